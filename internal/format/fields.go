package format

import "holdfast/internal/errs"

// fields is a section whose keys are known by name. Others are passed over.
type fields map[string]func(v value) error

// read is a section.
func (f fields) read(key []byte, v value) error {
	into, known := f[string(key)]
	if !known {
		return nil
	}
	if err := into(v); err != nil {
		return errs.Wrap(errs.CodeOf(err), err, "key '%s'", key)
	}
	return nil
}

func textInto[T ~string](dst *T) func(value) error {
	return func(v value) error {
		text, err := v.text()
		*dst = T(text)
		return err
	}
}

func boolInto(dst *bool) func(value) error {
	return func(v value) (err error) {
		*dst, err = v.bool()
		return err
	}
}

func boolPointerInto(dst **bool) func(value) error {
	return func(v value) error {
		set, err := v.bool()
		*dst = &set
		return err
	}
}

func intInto[T int | int64](dst *T, low, high int64) func(value) error {
	return func(v value) error {
		n, err := v.int(low, high)
		*dst = T(n)
		return err
	}
}

func intPointerInto(dst **int64, low, high int64) func(value) error {
	return func(v value) error {
		n, err := v.int(low, high)
		*dst = &n
		return err
	}
}

func uint64Into(dst *uint64) func(value) error {
	return func(v value) (err error) {
		*dst, err = v.uint64()
		return err
	}
}
