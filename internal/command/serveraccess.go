package command

import (
	"io"
	"slices"
	"strings"
	"time"

	"holdfast/internal/config"
	"holdfast/internal/errs"
	"holdfast/internal/wire"
)

// serverAccess decides what a client may have. A certificate proves who it is; what it wants is written like a command line of the
// remote role. That is not trusted: a client must not make this host work elsewhere than its own configuration says.
type serverAccess struct {
	env    Env
	auth   map[string]string // stanzas, or "*", by common name
	config map[string]string // where the configuration is
	own    []string          // options that name those places
}

// Options that say where the configuration is.
var configOptions = []string{"config", "config-include-path", "config-path"}

// ownBusiness are options that a client never sends.
var ownBusiness = []string{"lock-path", "log-path", "repo-cipher-type", "spool-path"}

// places are beginnings of options of repositories and clusters that decide where they are and how this host reaches them.
var places = []string{
	"pg-path", "repo-path", "repo-type", "repo-s3-", "repo-azure-", "repo-gcs-", "repo-sftp-", "repo-storage-",
}

// servers are options that say which server of this host is asked. Where its configuration has them they must be the same; else they are
// the client's to choose, as a port is often written down on one host only.
var servers = []string{"pg-database", "pg-port", "pg-socket-path", "pg-user"}

// newAccess reads what the options of the server say.
func (s *session) newAccess() serverAccess {
	a := serverAccess{env: s.env, auth: s.cfg.Hash("tls-server-auth"), config: map[string]string{}}
	a.env.Stdin, a.env.Stdout, a.env.Stderr = strings.NewReader(""), io.Discard, io.Discard
	for _, o := range configOptions {
		a.config[o] = s.cfg.Original(o)
		if s.cfg.Source(o) == config.CommandLine {
			if s.cfg.Has(o) {
				a.own = append(a.own, "--"+o+"="+s.cfg.String(o))
			} else {
				a.own = append(a.own, "--no-"+o)
			}
		}
	}
	return a
}

// session is the run that a client asks for.
func (a serverAccess) session(id wire.Identity, args []string) (*session, error) {
	stanzas, err := a.stanzas(id)
	if err != nil {
		return nil, err
	}
	cfg, err := a.parse(a.mine(args))
	if err != nil {
		return nil, err
	}
	if cfg.Role != config.Remote || cfg.Help || cfg.Version {
		return nil, denied()
	}
	s := &session{env: a.env, cfg: cfg, started: time.Now(), commands: table(), serving: true}
	s.env.Args = a.mine(args)
	if !slices.Contains(stanzas, "*") {
		if !slices.Contains(stanzas, s.stanza()) {
			return nil, denied()
		}
		if strings.HasPrefix(cfg.Command, "repo-") {
			return nil, denied().Hint("%s shows the files of all stanzas; the client may use some only.", cfg.Command)
		}
	}
	if err := a.confine(cfg); err != nil {
		return nil, err
	}
	if _, err := s.parentLocks(); err != nil {
		return nil, err
	}
	if _, err := cfg.CrossCheck(); err != nil {
		return nil, err
	}
	s.log = s.newLogger()
	if cfg.Has("exec-id") {
		s.execID = cfg.String("exec-id")
	}
	return s, nil
}

func denied() *errs.Error { return errs.New(errs.Access, "access denied") }

// stanzas returns the stanzas that a client may use.
func (a serverAccess) stanzas(id wire.Identity) ([]string, error) {
	list, ok := a.auth[id.Name]
	if !id.Proved || id.Name == "" || !ok {
		return nil, denied()
	}
	list = strings.TrimSpace(list)
	if list == "" {
		return nil, errs.New(errs.OptionInvalidValue, "'tls-server-auth' option must have a value")
	}
	if list == "*" {
		return []string{"*"}, nil
	}
	var stanzas []string
	for stanza := range strings.SplitSeq(list, ",") {
		if stanza = strings.TrimSpace(stanza); stanza != "" && stanza != "*" {
			stanzas = append(stanzas, stanza)
		}
	}
	return stanzas, nil
}

// mine puts the options that say where the configuration is in front of those of a client, which need not repeat them.
func (a serverAccess) mine(args []string) []string {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return slices.Contains(a.own, arg) })
	return append(slices.Clone(a.own), args...)
}

func (a serverAccess) parse(args []string) (*config.Config, error) {
	env := a.env
	env.Args = args
	return config.Parse(env.input())
}

// confine makes sure that what a client wants is where this host has it.
func (a serverAccess) confine(cfg *config.Config) error {
	for _, o := range configOptions {
		if cfg.Original(o) != a.config[o] {
			return denied().Hint("the server reads its own configuration, not '%s'.", cfg.Original(o))
		}
	}
	var here *config.Config // without what the client says
	for o := range cfg.Options() {
		name := o.Option.Name
		if o.Source != config.CommandLine {
			continue
		}
		if slices.Contains(ownBusiness, name) {
			return denied().Hint("option '%s' is the server's own business.", o.Name)
		}
		server := slices.Contains(servers, name)
		if !server && !slices.ContainsFunc(places, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		if here == nil {
			here = a.here(cfg)
		}
		if server && !chosen(here, name) {
			continue
		}
		if !configured(here, o.Option, cfg.Original(name, o.Key)) {
			return denied().Hint("the configuration of the server's host has no option '%s' with the same value for this stanza.", name)
		}
	}
	return nil
}

// here is what this host's own configuration says for the command. It may lack what is required.
func (a serverAccess) here(cfg *config.Config) *config.Config {
	args := slices.Clone(a.own)
	if cfg.Has("stanza") {
		args = append(args, "--stanza="+cfg.String("stanza"))
	}
	here, _ := a.parse(append(args, cfg.Command+":"+config.Remote.String()))
	return here
}

// chosen reports whether the configuration says something about an option.
func chosen(here *config.Config, option string) bool {
	return slices.ContainsFunc(here.Keys("pg"), func(key int) bool {
		return here.Has(option, key) && here.Source(option, key) != config.Default
	})
}

// configured reports whether one of the clusters or repositories of the configuration has the option with that value.
func configured(here *config.Config, option *config.Option, value string) bool {
	same := func(text string) bool { return strings.TrimSuffix(text, "/") == strings.TrimSuffix(value, "/") }
	for _, key := range here.Keys(option.Group) {
		if here.Valid(option.Name) && same(here.Original(option.Name, key)) {
			return true
		}
	}
	return false
}
