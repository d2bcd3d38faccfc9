package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"tallyman/internal/self"
)

// Config configures an Engine.
type Config struct {
	// Name tells engines apart, in the log and in what is published; "" where there is only one.
	Name string
	// Client says where the engine is and how it is reached.
	Client Options
	// Inventory says how its containers are followed.
	Inventory InventoryOptions
	// Streams says how statistics are followed.
	Streams StreamsOptions
	// DiskUsage says how often it is asked for its disk usage.
	DiskUsage DiskUsageOptions
	// OnEvent is given every event once; see InventoryOptions.OnEvent.
	OnEvent func(Event)
	// Logs lets the engine be asked for what containers have written; see Engine.Logs.
	Logs bool
	// Log is handed to all parts, with the name of the engine; nil = silent.
	Log *slog.Logger
	// Self is handed to all parts; may be nil.
	Self *self.Metrics
}

// Engine is one Docker Engine with all that is asked of it. It is safe for concurrent use.
type Engine struct {
	name      string
	client    *Client
	inventory *Inventory
	streams   *Streams
	diskUsage *DiskUsage
}

// New checks the whole configuration and connects to nothing. Each error is or wraps an *OptionError, one line that names the
// value and what would be right.
func New(c Config) (*Engine, error) {
	if c.Log != nil && c.Name != "" {
		c.Log = c.Log.With("engine", c.Name)
	}
	c.Client.Log, c.Client.Self, c.Client.Logs = c.Log, c.Self, c.Logs
	client, err := NewClient(c.Client)
	if err != nil {
		if c.Name != "" {
			err = fmt.Errorf("engine %s: %w", c.Name, err)
		}
		return nil, err
	}
	c.Inventory.Log, c.Inventory.Self, c.Inventory.OnEvent = c.Log, c.Self, c.OnEvent
	c.DiskUsage.Log, c.DiskUsage.Self = c.Log, c.Self
	return &Engine{
		name:      c.Name,
		client:    client,
		inventory: NewInventory(client, c.Inventory),
		streams:   NewStreams(client, c.Streams),
		diskUsage: NewDiskUsage(client, c.DiskUsage),
	}, nil
}

// Name is Config.Name.
func (e *Engine) Name() string { return e.name }

// View is what is known of the containers; see Inventory.View.
func (e *Engine) View() *View { return e.inventory.View() }

// Disk is what is known of the disk usage; see DiskUsage.Disk.
func (e *Engine) Disk() *Disk { return e.diskUsage.Disk() }

// RefreshDisk asks for the disk usage ahead of time; see DiskUsage.Refresh.
func (e *Engine) RefreshDisk() RefreshAnswer { return e.diskUsage.Refresh() }

// Want says for which containers statistics are to be followed; see Streams.Want.
func (e *Engine) Want(ids []string) { e.streams.Want(ids) }

// Sample is the latest of the statistics of a container; see Streams.Sample.
func (e *Engine) Sample(id string) (*Sample, error) { return e.streams.Sample(id) }

// Logs gives the last lines, up to tail and MaxLogLines, of what a container has written, the oldest first; see LogLine. The
// container is given by its full id. The error is or wraps ErrLogsOff unless Config.Logs is set, ErrNoLogs, ErrNoContainer, or
// says, for people, why the engine does not give them.
func (e *Engine) Logs(ctx context.Context, id string, tail int) ([]LogLine, error) {
	return e.client.logs(ctx, id, tail)
}

// Streams tells how the streams of statistics fare; see Streams.Status.
func (e *Engine) Streams() StreamsStatus { return e.streams.Status() }

// Run follows the engine until ctx ends. It returns only when everything that it started has ended, and must be called once.
func (e *Engine) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	// Neither has an error to return.
	background.Go(func() { _ = e.streams.Run(ctx) })
	background.Go(func() { _ = e.diskUsage.Run(ctx) })
	return e.inventory.Run(ctx)
}
