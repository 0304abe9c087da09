package log

import (
	"fmt"
	"strings"
	"time"

	"holdfast/internal/errs"
)

// Retries remembers the failures of one operation that is tried again and again, and makes one error of them: the first failure in
// full, then a line for each distinct later one. The zero value is ready.
type Retries struct {
	first error
	later []retry
}

type retry struct {
	code     errs.Code
	text     string
	count    int
	from, to time.Duration
}

// Add notes a failure, and how long after the first attempt began it came.
func (r *Retries) Add(err error, after time.Duration) {
	if r.first == nil {
		r.first = err
		return
	}
	code, text := errs.CodeOf(err), errs.Text(err)
	for i := range r.later {
		if l := &r.later[i]; l.code == code && l.text == text {
			l.count++
			l.to = after
			return
		}
	}
	r.later = append(r.later, retry{code: code, text: text, count: 1, from: after, to: after})
}

// Err returns the error to report, nil if nothing failed.
func (r *Retries) Err() error {
	if r.first == nil || len(r.later) == 0 {
		return r.first
	}
	var b strings.Builder
	b.WriteString(errs.Text(r.first))
	for _, l := range r.later {
		fmt.Fprintf(&b, "\n    [%s] on ", l.code.TypeName())
		if l.count == 1 {
			fmt.Fprintf(&b, "retry at %dms: ", l.from.Milliseconds())
		} else {
			fmt.Fprintf(&b, "%d retries from %d-%dms: ", l.count, l.from.Milliseconds(), l.to.Milliseconds())
		}
		b.WriteString(strings.ReplaceAll(l.text, "\n", "\n    "))
	}
	return errs.Because(errs.CodeOf(r.first), r.first, "%s", b.String())
}
