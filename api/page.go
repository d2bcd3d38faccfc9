package api

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"

	"github.com/go-chi/chi/v5"

	"tallyman/api/schema"
	"tallyman/collector"
)

// assets are the templates, the styles and the scripts of the pages. There is nothing of others in them, and nothing that a
// browser would have to fetch from elsewhere.
//
//go:embed page
var assets embed.FS

//go:embed openapi.yaml
var openAPIDocument []byte

// parsePages parses the templates, which are part of the program: an error in one is seen in every test.
func parsePages() *template.Template {
	return template.Must(template.New("").Funcs(pageFuncs()).ParseFS(assets, "page/*.html"))
}

// pageHead is what stands at the head of every page.
type pageHead struct {
	Root    string // the way to "/", so that the pages also work behind a proxy that adds a prefix
	Title   string
	Version string
	// Nav is the part of the site that the page belongs to: "containers", "events".
	Nav      string
	HostName string // "" = unknown
	Time     schema.Moment
	Took     schema.Number
}

// head makes the head of a page.
func (s *Server) head(snap *collector.Snapshot, root, title string) pageHead {
	return pageHead{
		Root: root, Title: title, Version: s.version, HostName: snap.Machine.Hostname, Time: schema.Moment(snap.Time),
		Took: schema.Number(snap.Duration.Seconds()),
	}
}

// sendPage answers with a page.
func (s *Server) sendPage(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	var b bytes.Buffer
	if err := s.pages.ExecuteTemplate(&b, name, view); err != nil {
		s.log.Error("page cannot be rendered", "page", name, "err", err)
		http.Error(w, "internal error", http.StatusInternalServerError)
		return
	}
	s.zip.send(w, r, status, "text/html; charset=utf-8", b.Bytes())
}

// static serves the styles and the scripts of the pages, and no template.
func (s *Server) static(w http.ResponseWriter, r *http.Request) {
	name := chi.URLParam(r, "*")
	types := map[string]string{ // not package mime, which reads files of the host
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml",
	}
	contentType := types[path.Ext(name)]
	content, err := assets.ReadFile("page/" + name)
	if err != nil || contentType == "" {
		s.notFound(w, r)
		return
	}
	s.zip.send(w, r, http.StatusOK, contentType, content)
}

// openAPI serves the description of the JSON.
func (s *Server) openAPI(w http.ResponseWriter, r *http.Request) {
	s.zip.send(w, r, http.StatusOK, "application/yaml; charset=utf-8", openAPIDocument)
}
