package command

import (
	"fmt"
	"net"
	"strings"

	"golang.org/x/sys/unix"
)

// What systemd is told about a server that it started with Type=notify or Type=notify-reload.
const (
	stateReady     = "READY=1"
	stateReloading = "RELOADING=1"
	stateStopping  = "STOPPING=1"
)

// notify tells systemd how the server is, if systemd wants to know. Nothing depends on whether it listens.
func (env Env) notify(state string) {
	path := ""
	for _, variable := range env.Environ {
		if value, ok := strings.CutPrefix(variable, "NOTIFY_SOCKET="); ok {
			path = value
		}
	}
	if path == "" {
		return
	}
	if state == stateReloading { // tells this reload from others
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err == nil {
			state += fmt.Sprintf("\nMONOTONIC_USEC=%d", now.Nano()/1000)
		}
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"}) // "@" begins an abstract name here, too
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = conn.Write([]byte(state))
}
