package restore

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"holdfast/internal/errs"
	"holdfast/internal/format"
)

// firstUserOID is the first oid the server gives to objects of users; databases below are its own (access/transam.h,
// FirstNormalObjectId).
const firstUserOID = 16384

var (
	versionFile  = regexp.MustCompile(`^(?:pg_data/base|pg_tblspc/[0-9]+/[^/]+)/([0-9]+)/PG_VERSION$`)
	databaseFile = regexp.MustCompile(`^(?:pg_data/base|pg_tblspc/[0-9]+/[^/]+)/([0-9]+)/`)
)

// selectDatabases decides which databases are restored empty. Their files come back with the right size and nothing in them, so that
// the server can drop the databases after recovery.
func (r *run) selectDatabases(context.Context) error {
	r.zeroed = func(string) bool { return false }
	if len(r.DBInclude) == 0 && len(r.DBExclude) == 0 {
		return nil
	}
	found := r.databases()
	if len(found) == 0 {
		return errs.New(errs.Format, "no databases found for selective restore").Hint("is this a valid cluster?")
	}
	r.Log.Detail("databases found for selective restore (%s)", strings.Join(found, ", "))
	excluded, err := r.excluded(found)
	if err != nil {
		return err
	}
	if len(excluded) == 0 {
		r.Log.Info("nothing to filter - all user databases have been selected")
		return nil
	}
	r.Log.Detail("databases excluded (zeroed) from selective restore (%s)", strings.Join(excluded, ", "))
	r.zeroed = func(name string) bool {
		part := databaseFile.FindStringSubmatch(name)
		return part != nil && slices.Contains(excluded, part[1]) && !strings.HasSuffix(name, "/PG_VERSION")
	}
	return nil
}

// databases returns the oids of the databases in the backup, in the order of their text.
func (r *run) databases() []string {
	var oids []string
	for _, f := range r.manifest.Files.All() {
		if part := versionFile.FindStringSubmatch(f.Name); part != nil {
			oids = append(oids, part[1])
		}
	}
	for _, d := range r.manifest.Databases {
		if isSystem(d.Name, d.ID) {
			oids = append(oids, strconv.FormatUint(uint64(d.ID), 10))
		}
	}
	slices.Sort(oids)
	return slices.Compact(oids)
}

func isSystem(name string, oid uint32) bool {
	return oid < firstUserOID || name == "postgres" || name == "template0" || name == "template1"
}

// excluded returns the oids of the databases to restore empty.
func (r *run) excluded(found []string) ([]string, error) {
	var excluded []string
	for _, wanted := range r.DBExclude {
		oid := r.oidOf(wanted, found)
		if oid == "" {
			return nil, errs.New(errs.DbMissing, "database to exclude '%s' does not exist", wanted)
		}
		excluded = append(excluded, oid)
	}
	if len(r.DBInclude) == 0 {
		return sortedOnce(excluded), nil
	}
	var included []string
	for _, wanted := range r.DBInclude {
		oid := r.oidOf(wanted, found)
		switch {
		case oid == "":
			return nil, errs.New(errs.DbMissing, "database to include '%s' does not exist", wanted)
		case r.systemOID(oid):
			return nil, errs.New(errs.DbInvalid, "system databases (template0, postgres, etc.) are included by default")
		case slices.Contains(excluded, oid):
			return nil, errs.New(errs.DbInvalid, "database to include '%s' is in the exclude list", oid)
		}
		included = append(included, oid)
	}
	for _, oid := range found {
		if !r.systemOID(oid) && !slices.Contains(included, oid) {
			excluded = append(excluded, oid)
		}
	}
	return sortedOnce(excluded), nil
}

func sortedOnce(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// oidOf finds a database of the backup by oid or name, "" if there is none.
func (r *run) oidOf(wanted string, found []string) string {
	if slices.Contains(found, wanted) {
		return wanted
	}
	for _, d := range r.manifest.Databases {
		if oid := strconv.FormatUint(uint64(d.ID), 10); d.Name == wanted && slices.Contains(found, oid) {
			return oid
		}
	}
	return ""
}

func (r *run) systemOID(oid string) bool {
	n, err := strconv.ParseUint(oid, 10, 32)
	if err != nil {
		return false
	}
	i := slices.IndexFunc(r.manifest.Databases, func(d format.Database) bool { return uint64(d.ID) == n })
	return n < firstUserOID || i >= 0 && isSystem(r.manifest.Databases[i].Name, uint32(n))
}
