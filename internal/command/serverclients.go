package command

import (
	"fmt"
	"net"
	"slices"
	"sync"

	"holdfast/internal/errs"
)

// Bounds on what a server does at a time. Those who have not shown yet that they may be here cost little, but could be many.
const (
	mostStrangers = 100
	mostClients   = 2000 // two repositories with the largest process-max there is
)

// clients are the connections of a server. When there are too many of which nothing is known yet, the oldest of them must go: who is
// here for a reason needs a moment only. The zero value is ready.
type clients struct {
	mu        sync.Mutex
	strangers []*client // in the order of their arrival
	known     []*client
}

type client struct {
	conn net.Conn
	name string // common name, once it is known
}

// enter notes a connection.
func (c *clients) enter(conn net.Conn) *client {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.strangers) >= mostStrangers {
		c.strangers[0].conn.Close()
		c.strangers = c.strangers[1:]
	}
	entered := &client{conn: conn}
	c.strangers = append(c.strangers, entered)
	return entered
}

// admit notes that a client may be here.
func (c *clients) admit(who *client, name string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= mostClients {
		return errs.New(errs.HostConnect, "too many connections").Hint("the server takes %d at the same time.", mostClients)
	}
	who.name = name
	c.strangers = without(c.strangers, who)
	if !slices.Contains(c.known, who) {
		c.known = append(c.known, who)
	}
	return nil
}

// leave notes that a connection has ended.
func (c *clients) leave(who *client) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.strangers, c.known = without(c.strangers, who), without(c.known, who)
}

// names describes the clients that are being served.
func (c *clients) names() (names []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, who := range c.known {
		names = append(names, fmt.Sprintf("client '%s' at %s", who.name, who.conn.RemoteAddr()))
	}
	return names
}

func without(list []*client, who *client) []*client {
	return slices.DeleteFunc(list, func(c *client) bool { return c == who })
}
