package contract

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// problemType is that of every answer that says what is wrong.
const problemType = "application/problem+json"

// Contract is the document, with a count of what was held against it. Its zero value waits for a document; see Open. It is safe for
// concurrent use.
type Contract struct {
	mu         sync.Mutex // guards the fields below
	doc        *openapi3.T
	router     routers.Router
	checked    int
	violations int
	seen       map[string]bool
}

// Answer is what a client got.
type Answer struct {
	Request *http.Request
	Status  int
	Header  http.Header
	Body    []byte // without its content encoding
}

// Open takes in the document that fetch gives, unless there is one already. The error says what is wrong with the document.
func (c *Contract) Open(fetch func() ([]byte, error)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doc != nil {
		return nil
	}
	text, err := fetch()
	if err != nil {
		return fmt.Errorf("fetch the OpenAPI document: %w", err)
	}
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromData(text)
	if err != nil {
		return fmt.Errorf("load the OpenAPI document: %w", err)
	}
	if !doc.IsOpenAPI31OrLater() {
		return fmt.Errorf("the OpenAPI document is of version %s: want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(loader.Context); err != nil {
		return fmt.Errorf("the OpenAPI document is not valid: %w", err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return fmt.Errorf("the paths of the OpenAPI document: %w", err)
	}
	c.doc, c.router, c.seen = doc, router, map[string]bool{}
	return nil
}

// Check says how an answer below /api/ breaks the contract.
func (c *Contract) Check(a Answer) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doc == nil {
		return errors.New("there is no OpenAPI document to hold the answer against")
	}
	c.checked++
	err := c.check(a)
	if err != nil {
		c.violations++
		err = fmt.Errorf("%s %s, answered by %d, breaks the contract: %w", a.Request.Method, a.Request.URL, a.Status, err)
	}
	return err
}

// check is Check without the count.
func (c *Contract) check(a Answer) error {
	asked := a.Request.Clone(a.Request.Context())
	asked.Method, asked.Host = http.MethodGet, "" // HEAD is answered as GET is, and so is documented that others are not allowed
	asked.URL = &url.URL{Path: a.Request.URL.Path, RawPath: a.Request.URL.RawPath, RawQuery: a.Request.URL.RawQuery}
	route, path, err := c.router.FindRoute(asked)
	if err != nil {
		return c.checkUnknown(a)
	}
	if allowed := a.Request.Method == http.MethodGet || a.Request.Method == http.MethodHead; allowed == (a.Status == http.StatusMethodNotAllowed) {
		return fmt.Errorf("want %d to all methods but GET and HEAD", http.StatusMethodNotAllowed)
	}
	c.seen[fmt.Sprintf("%s %d", route.Path, a.Status)] = true
	options := &openapi3filter.Options{IncludeResponseStatus: true, ExcludeResponseBody: a.Request.Method == http.MethodHead}
	request := &openapi3filter.RequestValidationInput{Request: asked, PathParams: path, Route: route, Options: options}
	if a.Status < 400 {
		if err := openapi3filter.ValidateRequest(a.Request.Context(), request); err != nil && !errors.Is(err, openapi3filter.ErrInvalidEmptyValue) {
			return fmt.Errorf("the request is not as documented, but was answered: %w", err)
		}
	}
	if a.Status == http.StatusNotModified {
		return checkNotModified(route, a)
	}
	return openapi3filter.ValidateResponse(a.Request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: a.Status, Header: a.Header, Options: options, Body: io.NopCloser(bytes.NewReader(a.Body)),
	})
}

// checkNotModified checks what the library leaves alone.
func checkNotModified(route *routers.Route, a Answer) error {
	switch {
	case route.Operation.Responses.Status(a.Status) == nil:
		return errors.New("the status is not documented")
	case len(a.Body) > 0:
		return fmt.Errorf("a body of %d bytes", len(a.Body))
	case a.Header.Get("ETag") == "":
		return errors.New("there is no ETag")
	}
	return nil
}

// checkUnknown checks the answer at an address that is not documented.
func (c *Contract) checkUnknown(a Answer) error {
	switch {
	case a.Status < 400:
		return errors.New("the address is not documented")
	case a.Header.Get("Content-Type") != problemType:
		return fmt.Errorf("content type %s: want %s", a.Header.Get("Content-Type"), problemType)
	case a.Request.Method == http.MethodHead:
		return nil
	}
	value, err := openapi3filter.JSONBodyDecoder(bytes.NewReader(a.Body), a.Header, nil, nil)
	if err != nil {
		return err
	}
	return c.doc.Components.Schemas["Problem"].Value.VisitJSON(value, openapi3.EnableJSONSchema2020())
}

// Unseen lists what is documented and was never answered, as "/path status".
func (c *Contract) Unseen() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var unseen []string
	for _, path := range c.doc.Paths.InMatchingOrder() {
		for status := range c.doc.Paths.Value(path).Get.Responses.Map() {
			if key := path + " " + status; !c.seen[key] {
				unseen = append(unseen, key)
			}
		}
	}
	return unseen
}

// String says how many answers were checked, and how many broke the contract.
func (c *Contract) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprintf("%d responses checked against openapi.yaml, %d violations", c.checked, c.violations)
}
