package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"unicode"
)

// The errors that a request can end with, beside *StatusError and those of the network.
var (
	// ErrNotAllowed is a request that is not on the list of what tallyman may ask. It never left the process.
	ErrNotAllowed = errors.New("refused: only reading requests on the allow-list are sent to an engine")
	// ErrTooLarge is an answer that was longer than Options.MaxResponseBytes or the limit of its endpoint.
	ErrTooLarge = errors.New("answer too large")
	// ErrLogsOff says that what containers have written may not be asked for.
	ErrLogsOff = errors.New("logs are not asked for")
	// ErrNoLogs says that the engine cannot read what a container has written.
	ErrNoLogs = errors.New("the engine cannot read the logs of this container: its log driver keeps none")
	// ErrNoContainer says that the engine does not know a container.
	ErrNoContainer = errors.New("the engine has no such container")

	errHTML         = errors.New("HTML instead of JSON")
	errStreamEnded  = errors.New("the engine closed the stream")
	errNotConnected = errors.New("not connected yet")
)

// OptionError is an option that NewClient refuses.
type OptionError struct {
	Option string // the field of Options: "Host", "CertPath", ...
	Err    error  // names the value and what would be right
}

// Error implements error.
func (e *OptionError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *OptionError) Unwrap() error { return e.Err }

func optionError(option, format string, args ...any) error {
	return &OptionError{Option: option, Err: fmt.Errorf(format, args...)}
}

// StatusError is an answer of the engine, or of a proxy before it, with a status other than 2xx.
type StatusError struct {
	Endpoint string // the pattern: "/containers/{id}/json"
	Code     int    // the HTTP status code
	Message  string // what the body said, one line of at most 200 bytes
}

// Error implements error.
func (e *StatusError) Error() string {
	return fmt.Sprintf("GET %s: status %d: %s", e.Endpoint, e.Code, e.Message)
}

// wrongVersion says whether the engine does not speak the API version that it was asked in. The words are the same in
// all engines since 1.12, in JSON or plain text.
func (e *StatusError) wrongVersion() bool {
	return e.Code == http.StatusBadRequest && strings.Contains(e.Message, "client version") &&
		(strings.Contains(e.Message, "too old") || strings.Contains(e.Message, "too new"))
}

func isWrongVersion(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.wrongVersion()
}

// isNotFound says whether there is no such container, in the words of dockerd and podman: a proxy that hides an endpoint
// answers 404, too.
func isNotFound(err error) bool {
	var status *StatusError
	return errors.As(err, &status) && status.Code == http.StatusNotFound &&
		strings.Contains(strings.ToLower(status.Message), "no such container")
}

// isUnreadable says whether a log driver does not let its logs be read, in the words of dockerd and podman; they come with 501, or
// 500 before engine 20.10.
func isUnreadable(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) || status.Endpoint != logsPattern || status.Code < http.StatusInternalServerError {
		return false
	}
	return strings.Contains(status.Message, "does not support reading") || strings.Contains(status.Message, "not logging output")
}

// isRefused says whether an endpoint may not be asked: that is how proxies, and authorization plugins of dockerd, answer.
func isRefused(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) || isUnreadable(err) {
		return false
	}
	switch status.Code {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	}
	return status.Code == http.StatusNotFound && !isNotFound(err)
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}

// reason is the word under which a failure is counted: one of those here and in tlsTrouble.
func reason(err error) string {
	var (
		status *StatusError
		syntax *json.SyntaxError
		kind   *json.UnmarshalTypeError
	)
	trouble, _ := tlsTrouble(err, nil)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "permission"
	case isTimeout(err):
		return "timeout"
	case errors.Is(err, ErrTooLarge):
		return "too_large"
	case errors.Is(err, ErrNotAllowed):
		return "refused"
	case trouble != "":
		return trouble
	case isRefused(err):
		return "forbidden"
	case errors.As(err, &status):
		return "status"
	case errors.Is(err, errHTML), errors.Is(err, errMalformed), errors.As(err, &syntax), errors.As(err, &kind):
		return "parse"
	}
	return "io"
}

// maxMessage is the length that people read of an error.
const maxMessage = 200

// errorMessage reads what the body of a refusal says, in one short line.
func errorMessage(resp *http.Response) string {
	data, err := io.ReadAll(io.LimitReader(resp.Body, 16<<10))
	if len(data) == 0 {
		if err != nil {
			return oneLine(err.Error())
		}
		return http.StatusText(resp.StatusCode)
	}
	var doc struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(data, &doc) == nil && doc.Message != "" {
		return oneLine(doc.Message)
	}
	text := strings.TrimSpace(string(data))
	if strings.HasPrefix(text, "<") || strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") {
		return http.StatusText(resp.StatusCode) + ", in HTML"
	}
	return oneLine(text)
}

// oneLine makes any text fit to be shown and logged: no control characters, no line breaks, at most maxMessage bytes.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	return clip(strings.ToValidUTF8(s, "?"), maxMessage)
}

// clip shortens s to at most limit bytes without cutting a character in two. The result does not keep the rest in memory.
func clip(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && s[limit]&0xC0 == 0x80 {
		limit--
	}
	return strings.Clone(s[:limit])
}
