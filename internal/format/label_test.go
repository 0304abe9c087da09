package format

import (
	"testing"
	"time"
)

func TestLabel(t *testing.T) {
	at := time.Date(2026, 11, 20, 22, 23, 18, 0, time.UTC)
	tests := []struct {
		kind        BackupType
		prior, want string
	}{
		{Full, "", "20261120-222318F"},
		{Full, "20251120-222316F", "20261120-222318F"},
		{Diff, "20261120-222316F", "20261120-222316F_20261120-222318D"},
		{Incr, "20261120-222316F", "20261120-222316F_20261120-222318I"},
		{Incr, "20261120-222316F_20261120-222317D", "20261120-222316F_20261120-222318I"},
	}
	for _, tt := range tests {
		label := NewLabel(tt.kind, tt.prior, at)
		if label != tt.want || !ValidLabel(label) || LabelType(label) != tt.kind || LabelFull(label) != tt.want[:16] {
			t.Errorf("%s after %q is %s, valid %t, type %s, full %s",
				tt.kind, tt.prior, label, ValidLabel(label), LabelType(label), LabelFull(label))
		}
	}
	east := at.In(time.FixedZone("east", 2*60*60))
	if label := NewLabel(Full, "", east); label != "20261121-002318F" {
		t.Errorf("label in another zone is %s", label)
	}
}

func TestInvalidLabels(t *testing.T) {
	for _, label := range []string{
		"", "F", "latest", "backup.history", "20261120-222316", "20261120-222316D", "20261120-222316F_", "20261120-222316F/..",
		"20261120-222316F_20261120-222318F", "20261120-222316D_20261120-222318D", " 20261120-222316F", "20261120-222316F\n",
	} {
		if ValidLabel(label) {
			t.Errorf("%q is a label", label)
		}
	}
	if LabelType("") != "" || LabelType("latest") != "" || LabelFull("x") != "x" {
		t.Error("texts that are no labels have a type or full")
	}
}

func TestSum(t *testing.T) {
	text := "da39a3ee5e6b4b0d3255bfef95601890afd80709"
	if sum, err := ParseSum(text); err != nil || sum != EmptySum || sum.String() != text {
		t.Errorf("sum of nothing is %s, %v", sum, err)
	}
	for _, wrong := range []string{"", text[1:], text + "0", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709", "g" + text[1:]} {
		if _, err := ParseSum(wrong); err == nil {
			t.Errorf("%q is a sum", wrong)
		}
	}
}
