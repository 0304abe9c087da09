package format

import "io"

const Number = 5

type Sum [20]byte

var EmptySum Sum

func ParseSum(string) (Sum, error)                        { panic("not written yet") }
func (s Sum) String() string                              { panic("not written yet") }
func DecodeArchiveInfo(r io.Reader) (*ArchiveInfo, error) { panic("not written yet") }
func (a *ArchiveInfo) Encode(w io.Writer) error           { panic("not written yet") }
func DecodeBackupInfo(r io.Reader) (*BackupInfo, error)   { panic("not written yet") }
func (b *BackupInfo) Encode(w io.Writer) error            { panic("not written yet") }
func (b *BackupInfo) Backup(label string) (Backup, bool)  { panic("not written yet") }
func (b *BackupInfo) Add(Backup)                          { panic("not written yet") }
func (b *BackupInfo) Remove(label string)                 { panic("not written yet") }
func (b *BackupInfo) Dependents(label string) []string    { panic("not written yet") }
func (m *Manifest) Summary() Backup                       { panic("not written yet") }
func DecodeManifest(r io.Reader) (*Manifest, error)       { panic("not written yet") }
func (m *Manifest) Encode(w io.Writer) error              { panic("not written yet") }
func (m *Manifest) File(name string) *File                { panic("not written yet") }
func (m *Manifest) SetDefaults()                          { panic("not written yet") }
func (m *Manifest) Validate(strict bool) error            { panic("not written yet") }
