package api

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// worthZipping is the size from which an answer is compressed: below it, gzip saves no packet.
const worthZipping = 1400

// zipper compresses answers, one after the other with the same compressor as far as possible: each has 0.9 MB. It is safe for concurrent use.
type zipper struct{ writers idle[*gzip.Writer] }

// newZipper returns a zipper. The level is the one that everything here is compressed with: the next one costs twice as much
// processor time for a tenth fewer bytes.
func newZipper() *zipper {
	return &zipper{newIdle(func() *gzip.Writer {
		gz, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			panic(err) // only for a level that does not exist
		}
		return gz
	})}
}

// take gives a compressor that writes to some place.
func (z *zipper) take(to io.Writer) *gzip.Writer {
	gz := z.writers.take()
	gz.Reset(to)
	return gz
}

// put takes it back.
func (z *zipper) put(gz *gzip.Writer) {
	gz.Reset(nil) // or it would keep a connection alive
	z.writers.put(gz)
}

// send writes a whole answer, compressed if the client takes that and it is worth it.
func (z *zipper) send(w http.ResponseWriter, r *http.Request, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Add("Vary", "Accept-Encoding")
	if len(body) >= worthZipping && acceptsGzip(r.Header) {
		h.Set("Content-Encoding", "gzip")
		body = z.compress(body)
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body) // nobody is left to tell
}

// compress gives body as one gzip member.
func (z *zipper) compress(body []byte) []byte {
	var b bytes.Buffer
	gz := z.take(&b)
	defer z.put(gz)
	_, _ = gz.Write(body) // a bytes.Buffer takes everything
	_ = gz.Close()
	return b.Bytes()
}

// acceptsGzip says whether a client takes gzip (RFC 9110, section 12.5.3). A weight of 0 means that it does not.
func acceptsGzip(h http.Header) bool {
	named, others := -1.0, -1.0
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		coding, params, _ := strings.Cut(part, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			named = max(named, weight(params))
		case "*":
			others = max(others, weight(params))
		}
	}
	if named >= 0 {
		return named > 0
	}
	return others > 0
}

// weight reads "q=0.5"; 1 when there is none, 0 when it cannot be understood.
func weight(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		key, value, _ := strings.Cut(strings.TrimSpace(param), "=")
		if !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
