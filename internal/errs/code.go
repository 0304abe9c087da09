package errs

// Code is the number of a kind of error. It is printed in the log line and is the exit status of the process.
type Code int

// The kinds of errors. The numbers are fixed: scripts test for them.
const (
	Assert                Code = 25
	Checksum              Code = 26
	Config                Code = 27
	FileInvalid           Code = 28
	Format                Code = 29
	CommandRequired       Code = 30
	OptionInvalid         Code = 31
	OptionInvalidValue    Code = 32
	OptionRequired        Code = 37
	PgRunning             Code = 38
	Protocol              Code = 39
	PathNotEmpty          Code = 40
	FileOpen              Code = 41
	FileRead              Code = 42
	ParamRequired         Code = 43
	ArchiveMismatch       Code = 44
	ArchiveDuplicate      Code = 45
	VersionNotSupported   Code = 46
	PathCreate            Code = 47
	CommandInvalid        Code = 48
	HostConnect           Code = 49
	LockAcquire           Code = 50
	BackupMismatch        Code = 51
	FileSync              Code = 52
	PathOpen              Code = 53
	PathSync              Code = 54
	FileMissing           Code = 55
	DbConnect             Code = 56
	DbQuery               Code = 57
	DbMismatch            Code = 58
	FileRemove            Code = 60
	PathRemove            Code = 61
	Stop                  Code = 62
	Term                  Code = 63
	FileWrite             Code = 64
	FeatureNotSupported   Code = 67
	ArchiveCommandInvalid Code = 68
	LinkExpected          Code = 69
	LinkDestination       Code = 70
	HostInvalid           Code = 72
	PathMissing           Code = 73
	FileMove              Code = 74
	BackupSetInvalid      Code = 75
	TablespaceMap         Code = 76
	LinkMap               Code = 78
	FileClose             Code = 79
	DbMissing             Code = 80
	DbInvalid             Code = 81
	ArchiveTimeout        Code = 82
	FileMode              Code = 83
	ArchiveDisabled       Code = 87
	FileOwner             Code = 88
	UserMissing           Code = 89
	FileExists            Code = 93
	Memory                Code = 94
	Crypto                Code = 95
	ParamInvalid          Code = 96
	PathClose             Code = 97
	FileInfo              Code = 98
	JsonFormat            Code = 99
	Kernel                Code = 100
	Service               Code = 101
	Execute               Code = 102
	RepoInvalid           Code = 103
	Command               Code = 104
	Access                Code = 105
	Clock                 Code = 106
	Runtime               Code = 122
	Unhandled             Code = 124
	Unknown               Code = 125
)

// OK is the exit status of success, not an error.
const OK Code = 0

var names = map[Code]string{
	Assert:                "Assert",
	Checksum:              "Checksum",
	Config:                "Config",
	FileInvalid:           "FileInvalid",
	Format:                "Format",
	CommandRequired:       "CommandRequired",
	OptionInvalid:         "OptionInvalid",
	OptionInvalidValue:    "OptionInvalidValue",
	OptionRequired:        "OptionRequired",
	PgRunning:             "PgRunning",
	Protocol:              "Protocol",
	PathNotEmpty:          "PathNotEmpty",
	FileOpen:              "FileOpen",
	FileRead:              "FileRead",
	ParamRequired:         "ParamRequired",
	ArchiveMismatch:       "ArchiveMismatch",
	ArchiveDuplicate:      "ArchiveDuplicate",
	VersionNotSupported:   "VersionNotSupported",
	PathCreate:            "PathCreate",
	CommandInvalid:        "CommandInvalid",
	HostConnect:           "HostConnect",
	LockAcquire:           "LockAcquire",
	BackupMismatch:        "BackupMismatch",
	FileSync:              "FileSync",
	PathOpen:              "PathOpen",
	PathSync:              "PathSync",
	FileMissing:           "FileMissing",
	DbConnect:             "DbConnect",
	DbQuery:               "DbQuery",
	DbMismatch:            "DbMismatch",
	FileRemove:            "FileRemove",
	PathRemove:            "PathRemove",
	Stop:                  "Stop",
	Term:                  "Term",
	FileWrite:             "FileWrite",
	FeatureNotSupported:   "FeatureNotSupported",
	ArchiveCommandInvalid: "ArchiveCommandInvalid",
	LinkExpected:          "LinkExpected",
	LinkDestination:       "LinkDestination",
	HostInvalid:           "HostInvalid",
	PathMissing:           "PathMissing",
	FileMove:              "FileMove",
	BackupSetInvalid:      "BackupSetInvalid",
	TablespaceMap:         "TablespaceMap",
	LinkMap:               "LinkMap",
	FileClose:             "FileClose",
	DbMissing:             "DbMissing",
	DbInvalid:             "DbInvalid",
	ArchiveTimeout:        "ArchiveTimeout",
	FileMode:              "FileMode",
	ArchiveDisabled:       "ArchiveDisabled",
	FileOwner:             "FileOwner",
	UserMissing:           "UserMissing",
	FileExists:            "FileExists",
	Memory:                "Memory",
	Crypto:                "Crypto",
	ParamInvalid:          "ParamInvalid",
	PathClose:             "PathClose",
	FileInfo:              "FileInfo",
	JsonFormat:            "JsonFormat",
	Kernel:                "Kernel",
	Service:               "Service",
	Execute:               "Execute",
	RepoInvalid:           "RepoInvalid",
	Command:               "Command",
	Access:                "Access",
	Clock:                 "Clock",
	Runtime:               "Runtime",
	Unhandled:             "Unhandled",
	Unknown:               "Unknown",
}

// TypeName returns the name people see in lists of errors, such as "FileMissingError".
func (c Code) TypeName() string {
	name, ok := names[c]
	if !ok {
		name = names[Unknown]
	}
	return name + "Error"
}

// Known reports whether there is such a kind of error.
func (c Code) Known() bool { _, ok := names[c]; return ok }

// Fatal reports whether the code marks a defect or a condition no retry can mend.
func (c Code) Fatal() bool { return c == Assert || c == Memory }
