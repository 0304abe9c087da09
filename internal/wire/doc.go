// Package wire carries calls between two processes of the program, one of which works on another host.
//
// A connection is anything that carries bytes both ways: the standard streams of a process that ssh has started, or TLS over TCP.
// On both the same is spoken:
//
//	server    one line of JSON that names program, service and version
//	client    HTTP/2 from then on, without TLS of its own: POST /open first, then any of the calls that were opened
//
// The line comes first so that noise of a login shell, another program or another version of this one is recognised before anything is
// asked. HTTP/2 (of the standard library) brings what a protocol of several concurrent streams needs: framing, flow control with fixed
// buffers, cancelling one stream without hurting the others, and pings that notice a peer that is gone.
//
// A call has a name and arguments, in JSON, and one of three shapes: an answer (Client.Call), a stream to read that ends with a
// result (Client.Read), or a stream to write that ends with an answer (Client.Write). A stream counts as whole only when the other
// side has said so at its end. Errors travel with code, text and hints, and are told apart from a broken connection.
//
// What the calls mean is left to packages above: files, SQL sessions, reading clusters.
package wire
