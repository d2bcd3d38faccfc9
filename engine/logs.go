package engine

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
)

// Bounds of the logs of one container.
const (
	// MaxLogLines is how many lines are given at most.
	MaxLogLines = 100
	// maxLogLine is the length of a line in bytes; of a longer one the beginning is kept.
	maxLogLine = 4 << 10
	// maxLogText is the length of all lines together; of more the latest are kept.
	maxLogText = 256 << 10
	// maxLogAnswer is what the engine may send: its log drivers cut lines at 16 KiB, or more.
	maxLogAnswer = 8 << 20
)

// logs asks for the last lines of what a container has written. Endpoint: GET /containers/{id}/logs.
func (c *Client) logs(ctx context.Context, id string, tail int) ([]LogLine, error) {
	if !c.o.Logs {
		return nil, ErrLogsOff
	}
	if !isID(id) {
		return nil, ErrNoContainer
	}
	tail = min(max(tail, 1), MaxLogLines)
	ctx, cancel, _ := c.limit(ctx)
	defer cancel()
	resp, err := c.get(ctx, "/containers/"+id+"/logs", url.Values{
		"stdout": {"1"}, "stderr": {"1"}, "timestamps": {"1"}, "tail": {strconv.Itoa(tail)},
	})
	if err != nil {
		return nil, c.noLogs(err)
	}
	defer drain(resp)
	lines, err := readLogs(resp.Body)
	if err != nil {
		return nil, c.noLogs(err)
	}
	return lines[max(len(lines)-tail, 0):], nil // a line that the driver has cut in two counts twice
}

// noLogs says, for people, why there are none.
func (c *Client) noLogs(err error) error {
	var status *StatusError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, errNotConnected):
		return err
	case isNotFound(err):
		return ErrNoContainer
	case isUnreadable(err):
		errors.As(err, &status)
		return fmt.Errorf("%w (%s)", ErrNoLogs, status.Message)
	}
	return errors.New(c.problem(c.failed(logsPattern, err)))
}
