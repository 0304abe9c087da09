// Package e2e tests the whole program as people run it: the built binary, a real PostgreSQL, real
// repositories, and the programs Holdfast must be able to take turns with.
//
// A test makes a [host]: a directory with a configuration file, a repository, lock and log
// directories and, where it needs one, a small PostgreSQL cluster that archives through the program
// under test. Everything runs as an unprivileged user: postgres when the tests are started by root,
// else the user who started them.
//
// Where several hosts matter, a machine of a fleet stands for each: namespaces with a network, users and an ssh server of their own.
//
// Three programs are used: ours, built once when the tests start, and once more with the race
// detector if the tests have it; peer, the newest pgBackRest; and elder, the oldest release that
// shares the repository format. e2e/tools/install-needs installs what
// is missing. Scenario tests bear the identifier of the acceptance scenario they check (SN-001).
//
// TestHistory chooses what it does by seeds: -seed repeats one of them, -soak goes on with new ones for some time.
//
//	HOLDFAST_TEST_PROGRAM  test this program in place of ours; with the path of the peer it shows
//	                       that the expectations of the tests are those of the original
//	HOLDFAST_TEST_KEEP     keep the directories of failed tests
//	HOLDFAST_KIT           where the peers are unpacked
//	HOLDFAST_PG_BIN        bin directory of the PostgreSQL to use
//	HOLDFAST_GOLDEN        recorded repositories, restored and compared when they are there
package e2e
