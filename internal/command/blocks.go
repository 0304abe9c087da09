package command

import (
	"strconv"

	"holdfast/internal/backup"
	"holdfast/internal/block"
	"holdfast/internal/config"
	"holdfast/internal/errs"
)

// bundleOptions turns the options about bundles and blocks into those of the job.
func (s *session) bundleOptions(o *backup.Options, key int) (err error) {
	cfg := s.cfg
	o.Bundle = cfg.Has("repo-bundle", key) && cfg.Bool("repo-bundle", key)
	if !o.Bundle {
		return nil
	}
	o.BundleLimit, o.BundleSize = cfg.Size("repo-bundle-limit", key), cfg.Size("repo-bundle-size", key)
	if !cfg.Has("repo-block", key) || !cfg.Bool("repo-block", key) {
		return nil
	}
	o.Blocks = &backup.Blocks{
		Super: cfg.Size("repo-block-size-super", key), SuperFull: cfg.Size("repo-block-size-super-full", key),
	}
	sizes := &o.Blocks.Sizes
	if sizes.BySize, err = blockSteps(cfg, key, "size-map", sizeOf, blockSizeOf); err != nil {
		return err
	}
	if sizes.ByAge, err = blockSteps(cfg, key, "age-map", ageOf, factorOf); err != nil {
		return err
	}
	sizes.Checksum, err = blockSteps(cfg, key, "checksum-size-map", sizeOf, checksumSizeOf)
	return err
}

// blockSteps reads a table of an option, nil if it is not given.
func blockSteps(cfg *config.Config, key int, name string, from, value func(string) (int64, error)) ([]block.Step, error) {
	option := "repo-block-" + name
	if !cfg.Has(option, key) {
		return nil, nil
	}
	var steps []block.Step
	for _, pair := range cfg.HashPairs(option, key) {
		var step block.Step
		var err error
		wrong := pair.Key
		if step.From, err = from(pair.Key); err == nil {
			wrong = pair.Value
			step.Value, err = value(pair.Value)
		}
		if err == errNotValid {
			err = errs.New(errs.OptionInvalidValue, "'%s' is not valid for '%s' option", wrong, indexed("repo", key, "block-"+name))
		}
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return steps, nil
}

// errNotValid stands for an error whose text names the option.
var errNotValid = errs.New(errs.OptionInvalidValue, "not valid")

func sizeOf(text string) (int64, error) {
	if n, ok := config.ParseSize(text); ok {
		return n, nil
	}
	return 0, errNotValid
}

// blockSizeOf reads a block size, which is a multiple of what manifests count it in. What is too much is cut off.
func blockSizeOf(text string) (int64, error) {
	n, err := sizeOf(text)
	if n -= n % block.Unit; err == nil && n == 0 {
		return 0, errNotValid
	}
	return n, err
}

// checksumSizeOf reads how many bytes of a checksum are kept.
func checksumSizeOf(text string) (int64, error) {
	n, err := sizeOf(text)
	if err == nil && (n < block.DefaultChecksumSize || n > block.MaxChecksumSize) {
		return 0, errNotValid
	}
	return n, err
}

// ageOf reads an age in days, as seconds.
func ageOf(text string) (int64, error) {
	n, err := factorOf(text)
	return n * 24 * 60 * 60, err
}

func factorOf(text string) (int64, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, errs.New(errs.Format, "unable to convert base 10 string '%s' to unsigned int", text)
	}
	return int64(n), nil
}
