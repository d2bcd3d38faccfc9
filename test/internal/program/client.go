package program

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tallyman/test/internal/contract"
	"tallyman/test/internal/scrape"
)

// Client asks a tallyman that listens without TLS. It is safe for concurrent use. Every request has a connection of its
// own, so that none that lies idle counts among the goroutines of the server.
type Client struct {
	// URL is where it listens, without a slash at the end.
	URL string
	// Contract is what each answer of its JSON API must keep to; nil = that is not checked.
	Contract *contract.Contract
}

// Metrics scrapes, and ends the test when that fails.
func (c *Client) Metrics(t testing.TB) scrape.Page {
	t.Helper()
	page, err := c.Scrape(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return page
}

// Scrape reads /metrics.
func (c *Client) Scrape(ctx context.Context) (scrape.Page, error) {
	body, err := c.Text(ctx, "/metrics")
	if err != nil {
		return nil, err
	}
	return scrape.Parse(strings.NewReader(body))
}

// Text reads what a path answers; any status but 200 is an error.
func (c *Client) Text(ctx context.Context, path string) (string, error) {
	resp, body, err := c.Get(ctx, path)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", path, resp.Status, body)
	}
	return body, err
}

// Get reads what a path answers, whatever the status. The body of the response has been read. It is an error when an answer of the
// JSON API is not as its document says.
func (c *Client) Get(ctx context.Context, path string, headers ...string) (*http.Response, string, error) {
	resp, body, err := c.get(ctx, path, headers)
	if err != nil || c.Contract == nil || !strings.HasPrefix(path, "/api/") {
		return resp, body, err
	}
	err = c.Contract.Open(func() ([]byte, error) {
		_, document, err := c.get(ctx, "/api/v1/openapi.yaml", nil)
		return []byte(document), err
	})
	if err == nil {
		err = c.Contract.Check(contract.Answer{Request: resp.Request, Status: resp.StatusCode, Header: resp.Header, Body: []byte(body)})
	}
	return resp, body, err
}

// get is Get without the contract; headers are "Key: value".
func (c *Client) get(ctx context.Context, path string, headers []string) (*http.Response, string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.URL+path, http.NoBody)
	if err != nil {
		return nil, "", err
	}
	for _, line := range headers {
		key, value, _ := strings.Cut(line, ": ")
		req.Header.Add(key, value)
	}
	req.Close = true
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, "", fmt.Errorf("read %s: %w", path, err)
	}
	return resp, string(body), nil
}

// WaitFor scrapes until the page is as wanted, and returns it. want says what is missing, "" = nothing.
func (c *Client) WaitFor(t testing.TB, limit time.Duration, want func(scrape.Page) string) scrape.Page {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		page := c.Metrics(t)
		missing := want(page)
		if missing == "" {
			return page
		}
		if time.Now().After(end) {
			t.Fatalf("after %v: %s", limit, missing)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Ready waits until it knows the engine's containers.
func (c *Client) Ready(t testing.TB) scrape.Page {
	t.Helper()
	return c.WaitFor(t, startTimeout, func(page scrape.Page) string {
		if page.Is(1, "tallyman_engine_up") && len(page["container_state"]) > 0 {
			return ""
		}
		return "tallyman does not know the containers of the engine"
	})
}

// WaitForUp waits until it answers at all.
func (c *Client) WaitForUp(t testing.TB) {
	t.Helper()
	for end := time.Now().Add(startTimeout); ; time.Sleep(100 * time.Millisecond) {
		if _, err := c.Text(t.Context(), "/-/healthy"); err == nil {
			return
		} else if time.Now().After(end) {
			t.Fatalf("%s does not answer: %v", c.URL, err)
		}
	}
}
