package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/events"
	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/client"
)

// The library's typed decoding gives up a whole answer for one field of another type than in its release; engines
// newer than it, and podman, do send such fields. So answers that matter are decoded from the raw bytes by our own
// tolerant wire types (wire.go): inspect by the library's ...WithRaw, the list and the events, which have no raw
// variant, by the library's HTTP client. Its typed calls remain where nothing hangs on a field: ping, version, info.

// limit bounds one request in time and lets the guard report on it.
func (c *Client) limit(ctx context.Context) (context.Context, context.CancelFunc, *exchange) {
	ctx, x := withExchange(ctx)
	ctx, cancel := context.WithTimeout(ctx, c.o.Timeout)
	return ctx, cancel, x
}

// current is the library's client since the latest connect.
func (c *Client) current() (*client.Client, error) {
	if lib := c.docker.Load(); lib != nil {
		return lib, nil
	}
	return nil, errNotConnected
}

// connected says whether there is an engine to ask.
func (c *Client) connected() bool { return c.docker.Load() != nil }

// ping asks whether the engine is there. Endpoint: HEAD /_ping or, where a proxy refuses that, which says nothing of the
// engine behind it, GET /containers/json for a single container.
func (c *Client) ping(ctx context.Context) error {
	lib, err := c.current()
	if err != nil {
		return err
	}
	if _, err = c.pingWith(ctx, lib); !isRefused(err) {
		return err
	}
	ctx, cancel, _ := c.limit(ctx)
	defer cancel()
	resp, err := c.get(ctx, "/containers/json", url.Values{"limit": {"1"}})
	if err != nil {
		return err
	}
	drain(resp)
	return nil
}

func (c *Client) pingWith(ctx context.Context, lib *client.Client) (types.Ping, error) {
	ctx, cancel, x := c.limit(ctx)
	defer cancel()
	ping, err := lib.Ping(ctx)
	return ping, x.explain(err)
}

// unversionedVersion reads ApiVersion from GET /version, asked for without a version of our own.
func (c *Client) unversionedVersion(ctx context.Context, lib *client.Client) (string, error) {
	ctx, cancel, _ := c.limit(ctx)
	defer cancel()
	resp, err := c.send(ctx, lib, "/version", nil)
	if err != nil {
		return "", err
	}
	defer drain(resp)
	var doc struct{ APIVersion string }
	if err := json.NewDecoder(resp.Body).Decode(&doc); err != nil {
		return "", fmt.Errorf("decode /version: %w", err)
	}
	return doc.APIVersion, nil
}

// describe collects Info from GET /version and GET /info. What one of them refuses or garbles stays empty, since the
// containers can be had without; an error is returned only when the engine wants another API version.
func (c *Client) describe(ctx context.Context) (Info, error) {
	lib, err := c.current()
	if err != nil {
		return Info{}, err
	}
	out := Info{APIVersion: c.APIVersion()}
	if err := c.readVersion(ctx, lib, &out); isWrongVersion(err) {
		return out, err
	}
	if err := c.readInfo(ctx, lib, &out); isWrongVersion(err) {
		return out, err
	}
	return out, nil
}

func (c *Client) readVersion(ctx context.Context, lib *client.Client, out *Info) error {
	ctx, cancel, x := c.limit(ctx)
	defer cancel()
	v, err := lib.ServerVersion(ctx)
	if err != nil {
		return c.failed("/version", garbled(x, err))
	}
	out.Version = clip(v.Version, maxName)
	out.KernelVersion = clip(v.KernelVersion, maxName)
	return nil
}

func (c *Client) readInfo(ctx context.Context, lib *client.Client, out *Info) error {
	ctx, cancel, x := c.limit(ctx)
	defer cancel()
	v, err := lib.Info(ctx)
	if err != nil {
		return c.failed("/info", garbled(x, err))
	}
	if out.Version == "" {
		out.Version = clip(v.ServerVersion, maxName)
	}
	out.StorageDriver = clip(v.Driver, maxName)
	out.CgroupDriver = clip(v.CgroupDriver, maxName)
	out.CgroupVersion = clip(v.CgroupVersion, maxName)
	out.KernelVersion = clip(v.KernelVersion, maxName)
	out.OperatingSystem = clip(v.OperatingSystem, maxName)
	out.Name = clip(v.Name, maxName)
	return nil
}

// garbled is the error of a typed call: what the guard saw or, where the answer itself came, that it made no sense.
func garbled(x *exchange, err error) error {
	if x.err != nil {
		return x.err
	}
	return fmt.Errorf("%w: %w", errMalformed, err)
}

// list returns what GET /containers/json?all=1 says of every container.
func (c *Client) list(ctx context.Context) ([]listed, error) {
	return askList(ctx, c, "/containers/json", url.Values{"all": {"1"}}, decodeList)
}

// images returns what GET /images/json says.
func (c *Client) images(ctx context.Context) (*imageList, error) {
	return askList(ctx, c, "/images/json", nil, decodeImages)
}

// askList asks for a list, which is decoded while it comes.
func askList[T any](ctx context.Context, c *Client, endpoint string, query url.Values, decode func(io.Reader) (T, error)) (T, error) {
	var none T
	ctx, cancel, _ := c.limit(ctx)
	defer cancel()
	resp, err := c.get(ctx, endpoint, query)
	if err != nil {
		return none, c.failed(endpoint, err)
	}
	defer drain(resp)
	out, err := decode(resp.Body)
	if err != nil {
		return none, c.failed(endpoint, err)
	}
	return out, nil
}

// inspect returns what GET /containers/{id}/json says of one container.
func (c *Client) inspect(ctx context.Context, id string) (inspected, error) {
	const endpoint = inspectPattern
	lib, err := c.current()
	if err != nil {
		return inspected{}, err
	}
	ctx, cancel, x := c.limit(ctx)
	defer cancel()
	// The library returns the raw body together with its own complaint about it; only the former counts.
	_, raw, err := lib.ContainerInspectWithRaw(ctx, id, false)
	if raw == nil {
		err = x.explain(err)
		if isNotFound(err) {
			return inspected{}, err // a container that went is no failure
		}
		return inspected{}, c.failed(endpoint, err)
	}
	out, err := decodeInspect(raw)
	if err == nil && out.ID != id {
		err = fmt.Errorf("answer is about container %q: %w", clip(out.ID, maxName), errMalformed)
	}
	if err != nil {
		return inspected{}, c.failed(endpoint, fmt.Errorf("GET %s: %w", endpoint, err))
	}
	return out, nil
}

// followed are the events that say something new about a container or move a tag, that operators count, or that people want to
// see when they look for a cause. Left out is the noise of health checks and people (exec_*, attach, top, resize, copy ...), three
// events per probe, which would also push the rest out of all memories. "health_status" covers "health_status: healthy" and its
// likes. An action is asked for of all types, as filters know no other way.
func followed() filters.Args {
	args := filters.NewArgs()
	for _, kind := range []events.Type{
		events.ContainerEventType, events.ImageEventType, events.NetworkEventType, events.VolumeEventType, events.DaemonEventType,
	} {
		args.Add("type", string(kind))
	}
	for _, action := range []events.Action{
		events.ActionCreate, events.ActionStart, events.ActionRestart, events.ActionStop, events.ActionKill,
		events.ActionDie, events.ActionDestroy, events.ActionOOM, events.ActionRename, events.ActionPause,
		events.ActionUnPause, events.ActionUpdate, events.ActionHealthStatus,
		events.ActionConnect, events.ActionDisconnect, events.ActionMount, events.ActionUnmount, events.ActionReload,
		events.ActionPrune,
		events.ActionTag, events.ActionUnTag, events.ActionPull, events.ActionLoad, events.ActionImport, events.ActionDelete,
		// Podman filters by names of its own: its "died" is sent as "die", and "remove" stands for "destroy".
		"died", events.ActionRemove,
	} {
		args.Add("event", string(action))
	}
	return args
}

// follow opens GET /events. A since of zero starts from now. Only the wait for the headers is limited in time; the stream ends
// with ctx, which the caller must cancel even after close.
func (c *Client) follow(ctx context.Context, since time.Time) (*eventStream, error) {
	filter, err := filters.ToJSON(followed())
	if err != nil {
		return nil, fmt.Errorf("encode event filter: %w", err)
	}
	query := url.Values{"filters": {filter}}
	if !since.IsZero() {
		query.Set("since", strconv.FormatInt(since.Unix(), 10)+fmt.Sprintf(".%09d", since.Nanosecond()))
	}
	body, cancel, err := c.open(ctx, "/events", "/events", query)
	if err != nil {
		return nil, c.failed("/events", err)
	}
	return newEventStream(body, cancel, c.o.MaxResponseBytes), nil
}

// stats opens GET /containers/{id}/stats, which sends a document each second, as follow opens the event stream.
func (c *Client) stats(ctx context.Context, id string) (*statsStream, error) {
	body, cancel, err := c.open(ctx, statsEndpoint, "/containers/"+id+"/stats", url.Values{"stream": {"true"}})
	if err != nil {
		if isNotFound(err) {
			return nil, err // a container that went is no failure
		}
		return nil, c.failed(statsEndpoint, err)
	}
	return newStatsStream(body, cancel), nil
}

// open asks for a body that has no end. Only the wait for the headers is limited in time.
func (c *Client) open(ctx context.Context, endpoint, path string, query url.Values) (io.ReadCloser, func(), error) {
	headers, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(c.o.Timeout, func() { cancel(context.DeadlineExceeded) })
	resp, err := c.get(headers, path, query)
	if !timer.Stop() && err == nil {
		_ = resp.Body.Close()
		err = context.DeadlineExceeded
	}
	if err != nil {
		if errors.Is(context.Cause(headers), context.DeadlineExceeded) {
			err = fmt.Errorf("GET %s: %w", endpoint, context.DeadlineExceeded)
		}
		cancel(nil)
		return nil, nil, err
	}
	return resp.Body, func() { cancel(nil) }, nil
}

// get asks for a path in the negotiated API version.
func (c *Client) get(ctx context.Context, path string, query url.Values) (*http.Response, error) {
	lib, err := c.current()
	if err != nil {
		return nil, err
	}
	return c.send(ctx, lib, "/v"+c.APIVersion()+path, query)
}

// send asks for a path as it is.
func (c *Client) send(ctx context.Context, lib *client.Client, path string, query url.Values) (*http.Response, error) {
	u := url.URL{Scheme: c.host.scheme, Host: c.host.authority(), Path: path, RawQuery: query.Encode()}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", c.o.UserAgent)
	resp, err := lib.HTTPClient().Do(r)
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err // the wrapper repeats the whole URL, which the guard has said shorter
	}
	return resp, err
}

// failed counts an error and returns it. What our own end cut short is no failure, nor is what may not be asked at all.
func (c *Client) failed(endpoint string, err error) error {
	if errors.Is(err, context.Canceled) || isRefused(err) && c.guard.accesses.refusals(endpoint) > 0 {
		return err
	}
	c.o.Self.CollectError(endpoint, reason(err))
	return err
}
