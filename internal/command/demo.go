package command

import (
	"context"
	"os"
	"strings"

	"holdfast/internal/demo"
	"holdfast/internal/errs"
)

// runDemo shows on a throw-away cluster what the program is for. As root it starts itself again under another account, because
// PostgreSQL refuses root.
func runDemo(ctx context.Context, s *session) error {
	program, err := os.Executable()
	if err != nil {
		return errs.Wrap(errs.FileMissing, err, "unable to find out which program this is")
	}
	if s.env.UID == 0 {
		return s.demoAs(ctx, s.cfg.String("user"), program)
	}
	// The demonstration connects to a server of its own, whatever the environment says about others.
	for _, variable := range s.env.Environ {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PG") {
			_ = os.Unsetenv(name)
		}
	}
	screen := newScreen(s.env.Stdout, title(s.env.Program), s.env.get("TERM"))
	defer screen.close()
	result, err := demo.Run(ctx, demo.Options{
		Program:    program,
		PgBin:      s.demoPgBin(),
		SearchPath: s.env.get("PATH"),
		TempDirs:   s.env.tempDirs(),
		Environ:    s.env.pick(harmless),
		Keep:       s.cfg.Bool("keep"),
		Watcher:    screen,
	})
	screen.close()
	if err != nil {
		if result.Dir != "" {
			s.log.Warn("the files of the demonstration were kept in '%s'", result.Dir)
		}
		return err
	}
	return result.WriteText(s.env.Stdout)
}

func (s *session) demoPgBin() string {
	if !s.cfg.Has("pg-bin") {
		return ""
	}
	return s.cfg.String("pg-bin")
}

// harmless variables mean the same for every program: they name the time zone and tune the runtime of Go.
var harmless = []string{"TZ", "GODEBUG", "GOMAXPROCS", "GOMEMLIMIT", "GORACE"}

// pick returns the variables of these names that are set.
func (env Env) pick(names []string) (variables []string) {
	for _, name := range names {
		if value := env.get(name); value != "" {
			variables = append(variables, name+"="+value)
		}
	}
	return variables
}

// get returns the value of an environment variable.
func (env Env) get(name string) string {
	for _, variable := range env.Environ {
		if n, value, _ := strings.Cut(variable, "="); n == name {
			return value
		}
	}
	return ""
}

// tempDirs are the places for temporary files, the best first.
func (env Env) tempDirs() []string {
	if dir := env.get("TMPDIR"); dir != "" && dir != "/tmp" {
		return []string{dir, "/tmp"}
	}
	return []string{"/tmp"}
}
