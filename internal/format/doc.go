// Package format turns the info files of a repository into values and back: archive.info, backup.info and backup.manifest, and the
// labels of backups. It works on readers and writers and leaves opening files, the copy to fall back to, encryption and compression
// to others. Each format has a page in doc/format.
//
// The three files share one container of sections and lines "key=value", where the key is raw and the value is JSON. Reading is one
// pass, line by line:
//
//	for each line
//	    [name]: following keys belong to the section of that name
//	    else:   split at the first '=' with nothing but one JSON value behind it
//	            add section, key and value, as a JSON text, to the checksum
//	            give key and value to the reader of the section, if there is one
//	compare the checksum with the one in the last section
//
// What is unknown is skipped on purpose: later versions of the format add keys. Writing is the mirror image. A file that was read
// and is written again has the same bytes, which the tests show with files of real repositories.
//
// The JSON in these files has rules of its own (ordered keys, whole numbers, raw control characters), and manifests have a line for
// each file of a cluster. Therefore the package has its own small scanner, which works in place and makes no garbage per line.
package format

// Number is the format number of all info files. Others cannot be read.
const Number = 5
