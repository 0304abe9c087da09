package wire

import (
	"context"
	"sync/atomic"
	"time"
)

// watchdog ends a stream on which nothing moves for too long while somebody waits for it. Whoever reads or writes a stream may take
// their time in between.
type watchdog struct {
	client *Client
	timer  *time.Timer // nil without a limit
	bitten atomic.Bool
}

func (c *Client) newWatchdog(cancel context.CancelFunc) *watchdog {
	w := &watchdog{client: c}
	if c.cfg.Timeout > 0 {
		w.timer = time.AfterFunc(c.cfg.Timeout, func() {
			w.bitten.Store(true)
			cancel()
		})
		w.timer.Stop()
	}
	return w
}

// begin says that somebody waits from now on.
func (w *watchdog) begin() {
	if w.timer != nil {
		w.timer.Reset(w.client.cfg.Timeout)
	}
}

// rest says that nobody waits for the time being.
func (w *watchdog) rest() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

// stop ends the watch, and returns err or, if it was the watchdog that ended the stream, what it has to say.
func (w *watchdog) stop(err error) error {
	w.rest()
	if err != nil && w.bitten.Load() {
		return w.client.silent()
	}
	return err
}
