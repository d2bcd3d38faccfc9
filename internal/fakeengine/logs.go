package fakeengine

import (
	"encoding/binary"
	"net/http"
	"strings"
	"time"
)

// LogMessage is one message of a container, as a log driver keeps it: a line with its line feed, or a part of one.
type LogMessage struct {
	Stderr bool
	Time   time.Time
	Text   string
}

// logAnswer is what a container answers for its logs.
type logAnswer struct {
	terminal bool
	messages []LogMessage
}

// SetLogs gives a container a log; terminal says that it has one, so that its messages come without headers.
func (e *Engine) SetLogs(ref string, terminal bool, messages ...LogMessage) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.logs[e.mustResolve(ref)] = logAnswer{terminal, messages}
}

// logStamp is how dockerd writes the time before a message.
const logStamp = "2006-01-02T15:04:05.000000000Z07:00"

// serveLogs answers with the log of a container, all of it, as the tail asked for may be all there is. Unless timestamps are asked for,
// it answers nothing: nobody should ask so.
func (e *Engine) serveLogs(w http.ResponseWriter, r *http.Request, q request) {
	e.mu.Lock()
	id := e.resolve(q.id)
	log := e.logs[id]
	e.mu.Unlock()
	if id == "" {
		e.fail(w, http.StatusNotFound, "No such container: "+q.id)
		return
	}
	if !log.terminal && !less(q.version, "1.42") {
		w.Header().Set("Content-Type", "application/vnd.docker.multiplexed-stream")
	} else {
		w.Header().Set("Content-Type", "application/vnd.docker.raw-stream")
	}
	var body strings.Builder
	for _, m := range log.messages {
		if r.URL.Query().Get("timestamps") != "1" {
			continue
		}
		text := m.Time.UTC().Format(logStamp) + " " + m.Text
		if !log.terminal {
			header := [8]byte{0: 1}
			if m.Stderr {
				header[0] = 2
			}
			binary.BigEndian.PutUint32(header[4:], uint32(len(text)))
			body.Write(header[:])
		}
		body.WriteString(text)
	}
	if !q.fault.spoil(w, []byte(body.String())) {
		_, _ = w.Write([]byte(body.String()))
	}
}
