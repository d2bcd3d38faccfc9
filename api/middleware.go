package api

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/go-chi/chi/v5/middleware"
)

// recovered keeps a panic in one request from ending the program. The stack goes to the log, never to the client.
func (s *Server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ww := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		defer func() {
			cause := recover()
			if cause == nil {
				return
			}
			if cause == http.ErrAbortHandler { //nolint:errorlint // a panic value, which net/http compares in the same way
				panic(cause)
			}
			s.log.Error("request panicked", "method", r.Method, "path", r.URL.Path, "panic", cause, "stack", string(debug.Stack()))
			if ww.Status() == 0 {
				s.refuse(ww, r, http.StatusInternalServerError, "internal error")
			}
		}()
		next.ServeHTTP(ww, r)
	})
}

// contentPolicy lets pages load our own scripts, styles and images, and ask us: nothing inline, and nothing from elsewhere.
const contentPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

// secured sets the headers that keep a browser from doing with an answer what it is not meant for.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", contentPolicy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// readOnly refuses every request that could mean to change something: nothing here can be changed.
func (s *Server) readOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			s.refuse(w, r, http.StatusMethodNotAllowed, "only GET and HEAD are served")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// small bounds what a client may send.
func (s *Server) small(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.URL.Path)+len(r.URL.RawQuery) > maxURLBytes {
			s.refuse(w, r, http.StatusRequestURITooLong, fmt.Sprintf("the address is too long: want at most %d bytes of path and query", maxURLBytes))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequestBytes)
		next.ServeHTTP(w, r)
	})
}

// timed bounds how long an answer may be in the making.
func timed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

// notFound answers for an address that is not served.
func (s *Server) notFound(w http.ResponseWriter, r *http.Request) {
	message := "there is no such page"
	if strings.HasPrefix(r.URL.Path, "/api") {
		message = "there is no such address: see /api/v1/openapi.yaml"
	}
	s.refuse(w, r, http.StatusNotFound, message)
}

// bounded lets only a few requests at a time through to each of the handlers behind it together, and a few more wait for their turn.
// Others are told to come back.
func (s *Server) bounded() func(http.Handler) http.Handler {
	throttle := middleware.ThrottleBacklog(maxMaking, maxWaiting, requestTimeout/3)
	throttled := throttle(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if g, ok := w.(*gate); ok {
			g.serve()
		}
	}))
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			passed := false
			throttled.ServeHTTP(&gate{serve: func() {
				passed = true
				next.ServeHTTP(w, r)
			}}, r)
			if passed {
				return
			}
			w.Header().Set("Retry-After", "1")
			s.refuse(w, r, http.StatusServiceUnavailable, "too many requests at once: come back in 1 s")
		})
	}
}

// gate stands for the client before the throttle, whose own words are not a Problem: they go nowhere.
type gate struct{ serve func() }

// Header is of no use.
func (*gate) Header() http.Header { return http.Header{} }

// Write takes what the throttle says.
func (*gate) Write(b []byte) (int, error) { return len(b), nil }

// WriteHeader takes what the throttle says.
func (*gate) WriteHeader(int) {}
