// Package config knows every command and option, reads them from the command line, the environment and the configuration files,
// and explains them.
//
// The option table (table.go and its neighbours) is the only place that describes an option: type, default, range, old names, the
// commands and roles it belongs to, dependencies and help text stand in one literal. Parse and Help read the table and nothing else.
//
// Parse works in the steps people can observe, because the first step that fails decides which message they see:
//
//  1. scan the arguments: find options by name, unique prefix or old name, then the command and its parameters
//  2. is there a command, may it have parameters
//  3. the environment
//  4. the configuration files, from the most particular section to the most general
//  5. options from the command line that do not belong to the command
//  6. every option that does, dependencies before dependents: dependency, value, default, required
//  7. the repository or cluster chosen by --repo or --pg exists
//
// CrossCheck then applies the rules that span options; the caller decides when, because locks come first.
//
// The package touches nothing but the files it is asked to read through Input.FS. It leaves logging, locks, storage and every
// decision that needs more than options to its caller. Values of secure options are of type Secret and do not print.
package config
