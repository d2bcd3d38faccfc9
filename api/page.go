package api

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"tallyman/api/metrics"
	"tallyman/api/schema"
	"tallyman/collector"
)

// assets are the templates, the style and the script of the pages. There is nothing of others in them, and nothing that a
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
	Summary schema.Summary
}

// indexView is the page of all containers.
type indexView struct {
	pageHead

	Rows []schema.Container
}

// containerView is the page of one container.
type containerView struct {
	pageHead

	Item     schema.Container
	Facts    *schema.Facts
	Labels   []labelView
	Reasons  []string
	Readings []readingView
}

// labelView is one label of a container, or of a metric.
type labelView struct{ Key, Value string }

// readingView is one metric of a container.
type readingView struct {
	Metric, Help string
	Labels       []labelView
	Value        string
}

// head makes the head of a page.
func (s *Server) head(snap *collector.Snapshot, root, title string) pageHead {
	return pageHead{Root: root, Title: title, Version: s.version, Summary: summarise(snap, s.version)}
}

// indexPage shows the host and its containers.
func (s *Server) indexPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, s.log, err)
		return
	}
	view := indexView{pageHead: s.head(snap, "", "tallyman"), Rows: make([]schema.Container, len(snap.Containers))}
	if name := snap.Machine.Hostname; name != "" {
		view.Title = name + " – tallyman"
	}
	for i := range snap.Containers {
		view.Rows[i] = newItem(&snap.Containers[i])
	}
	s.sendPage(w, r, http.StatusOK, "index.html", view)
}

// containerPage shows one container.
func (s *Server) containerPage(w http.ResponseWriter, r *http.Request) {
	snap, err := s.source.Snapshot(r.Context())
	if err != nil {
		unavailable(w, r, s.log, err)
		return
	}
	c, problem := find(snap, wantedContainer(r), r.URL.Query().Get("engine"))
	if c == nil {
		s.sendPage(w, r, http.StatusNotFound, "missing.html", struct {
			pageHead

			Problem string
		}{s.head(snap, "../", "not found – tallyman"), problem})
		return
	}
	item := newItem(c)
	view := containerView{
		pageHead: s.head(snap, "../", nameOf(item)+" – tallyman"),
		Item:     item, Facts: newFacts(c.Facts), Reasons: reasons(c), Readings: s.readingViews(c),
	}
	if view.Facts != nil {
		for key, value := range view.Facts.Labels {
			view.Labels = append(view.Labels, labelView{key, value})
		}
		slices.SortFunc(view.Labels, func(a, b labelView) int { return strings.Compare(a.Key, b.Key) })
	}
	s.sendPage(w, r, http.StatusOK, "container.html", view)
}

// readingViews gives every metric of a container for people.
func (s *Server) readingViews(c *collector.Container) []readingView {
	var views []readingView
	for i := range s.families {
		f := &s.families[i]
		f.Draw(s.groups, c, func(sample metrics.Sample) {
			v := readingView{Metric: f.Name, Help: f.Help, Value: readable(f, sample.Value)}
			for j, name := range f.Labels {
				if sample.Labels[j] != "" {
					v.Labels = append(v.Labels, labelView{name, sample.Labels[j]})
				}
			}
			views = append(views, v)
		})
	}
	return views
}

// nameOf is what a container is called on a page.
func nameOf(c schema.Container) string {
	switch {
	case c.Name != "":
		return string(c.Name)
	case len(c.ID) > 12:
		return string(c.ID[:12])
	}
	return string(c.Cgroup)
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

// static serves the style and the script of the pages, and no template.
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
