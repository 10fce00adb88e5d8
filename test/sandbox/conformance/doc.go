// Package conformance proves the stand-in case by case: what a StarRocks server
// must answer to a client that loads and reads. The cases see the stand-in as a
// stranger does, over HTTP, raw TCP and the MySQL protocol, once for each release
// it plays. CASES.md lists them.
package conformance

//go:generate go test -tags gms_pure_go -run ^TestReport$ . -update
