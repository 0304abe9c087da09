package config

import (
	"fmt"
	"strings"
)

// gone lists options of the manuals before 2.00 that no release of today understands, and what has taken their place, "" for nothing.
// Names that are still understood stand in the table, as OldName of an option.
var gone = map[string]string{
	"archive-max-mb":   "'archive-push-queue-max'",
	"cmd-psql":         "'pg1-socket-path' and 'pg1-port'",
	"cmd-psql-option":  "'pg1-socket-path' and 'pg1-port'",
	"cmd-remote":       "'pg1-host-cmd' or 'repo1-host-cmd'",
	"config-remote":    "'pg1-host-config' or 'repo1-host-config'",
	"recovery-setting": "'recovery-option'",
	"repo-link":        "'repo1-symlink'",
	"repo-remote-path": "'repo1-path'",
	"repo-sync":        "",
	"standby-mode":     "'type=standby'", // a recovery setting that had to be given as an option
	"start-stop":       "'online'",
	"tablespace":       "'tablespace-map-all'",
	"target-resume":    "'target-action'",
	"thread-max":       "'process-max'",
	"thread-timeout":   "",
}

// advice says what to use in place of an option that is gone, "" if there never was such an option. The name is what the user wrote,
// without "--".
func advice(name string) string {
	rest, negated := strings.CutPrefix(name, "no-")
	if !negated {
		rest = strings.TrimPrefix(name, "reset-")
	}
	now, ok := gone[rest]
	switch {
	case !ok:
		return ""
	case now == "":
		return fmt.Sprintf("option '%s' is not needed any more.", rest)
	}
	return fmt.Sprintf("option '%s' has been replaced by %s.", rest, now)
}

// warnInvalid says that there is no such option. What a command prints may be read by a program that takes away lines with WARN and
// knows of no second line, so only commands that print nothing else give advice.
func (c *Config) warnInvalid(where, name string) {
	text := fmt.Sprintf("%s contains invalid option '%s'", where, name)
	if hint := advice(name); hint != "" && c.info.LogLevel != "debug" {
		text += "\nHINT: " + hint
	}
	c.Warnings = append(c.Warnings, text)
}
