package postgres

import (
	"fmt"
	"strconv"
	"strings"

	"holdfast/internal/errs"
)

// Version is a major version in the way of server_version_num: 90600 for 9.6, 150000 for 15. Zero is no version.
type Version int

// The supported versions.
const (
	Version96 Version = 90600
	Version10 Version = 100000
	Version11 Version = 110000
	Version12 Version = 120000
	Version13 Version = 130000
	Version14 Version = 140000
	Version15 Version = 150000
	Version16 Version = 160000
	Version17 Version = 170000
	Version18 Version = 180000
	Version19 Version = 190000
)

// Versions returns the supported versions, oldest first.
func Versions() []Version {
	versions := make([]Version, 0, len(layouts))
	for _, l := range layouts {
		if len(versions) == 0 || l.version != versions[len(versions)-1] {
			versions = append(versions, l.version)
		}
	}
	return versions
}

// ParseVersion reads "9.6" or "15". Versions that are not supported are read too, because an old stanza may name them; see Supported.
func ParseVersion(s string) (Version, error) {
	major, minor, dotted := strings.Cut(s, ".")
	first, ok := smallNumber(major)
	if !ok || first == 0 {
		return 0, errs.New(errs.Format, "invalid PostgreSQL version '%s'", s)
	}
	if first >= 10 {
		if dotted {
			return 0, errs.New(errs.Format, "invalid PostgreSQL version '%s'", s)
		}
		return Version(first * 10000), nil
	}
	second, ok := smallNumber(minor)
	if !ok {
		return 0, errs.New(errs.Format, "invalid PostgreSQL version '%s'", s)
	}
	return Version(first*10000 + second*100), nil
}

func smallNumber(s string) (int, bool) {
	if !allDigits(s) || len(s) > 2 || len(s) == 2 && s[0] == '0' {
		return 0, false
	}
	n, err := strconv.Atoi(s)
	return n, err == nil
}

// VersionOf drops the minor version of a server_version_num.
func VersionOf(serverVersionNum int) Version {
	if serverVersionNum < 100000 {
		return Version(serverVersionNum / 100 * 100)
	}
	return Version(serverVersionNum / 10000 * 10000)
}

// String returns "9.6" or "15".
func (v Version) String() string {
	if v < Version10 {
		return fmt.Sprintf("%d.%d", int(v)/10000, int(v)/100%100)
	}
	return strconv.Itoa(int(v) / 10000)
}

// Supported reports whether the layout of the version is known.
func (v Version) Supported() bool {
	_, ok := layoutOf(v)
	return ok
}

// WALDir is the name of the directory with the write-ahead log.
func (v Version) WALDir() string {
	if v < Version10 {
		return "pg_xlog"
	}
	return "pg_wal"
}

// XactDir is the name of the directory with the commit status of transactions.
func (v Version) XactDir() string {
	if v < Version10 {
		return "pg_clog"
	}
	return "pg_xact"
}

// RecoveryConf reports whether recovery settings have a file of their own, recovery.conf, instead of being ordinary settings that a
// signal file arms.
func (v Version) RecoveryConf() bool { return v < Version12 }

// TablespaceDir is the directory that a server makes in each of its tablespaces, such as PG_15_202209061.
func TablespaceDir(v Version, catalog uint32) string {
	return fmt.Sprintf("PG_%s_%d", v, catalog)
}
