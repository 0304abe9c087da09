package e2e

import "testing"

// The shortest whole story: archive, back up, restore, start, and the same rows are there.
func TestBackupAndRestore(t *testing.T) {
	t.Parallel()
	h := newHost(t, lab.raced)
	label := h.base()
	h.cluster.change(1)
	want := h.cluster.rows()
	h.cluster.archived()
	dir := h.freshDir("restored")
	h.ok("restore", "--pg1-path="+dir)
	c := h.restored(dir)
	c.start()
	c.recovered()
	if got := c.rows(); got != want {
		t.Errorf("restored %s: rows %s, want %s", label, got, want)
	}
}
