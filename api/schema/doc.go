// Package schema holds the JSON that tallyman serves under /api/v1, as openapi.yaml documents it: a public contract, which the
// server writes and the command line reads. All numbers are in base units (seconds, bytes, processors), times are RFC 3339 in
// UTC, and what is not known is null. Start
// reading at Summary.
package schema
