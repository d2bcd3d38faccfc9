// Package contract holds what tallyman answers against its own OpenAPI document.
//
// It sends no requests: whoever has an answer brings it here. The document is OpenAPI 3.1, whose schemas are JSON Schema 2020-12:
// kin-openapi leaves those that use what is new in it to github.com/santhosh-tekuri/jsonschema, and a test of this package
// shows that with either nothing slips through.
//
// Start reading at Contract.Check.
package contract
