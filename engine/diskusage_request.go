package engine

import (
	"context"
	"net/url"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/versions"
)

const (
	dfEndpoint = "/system/df"
	// dfByType is the first API version in which kinds can be asked for one by one; older ones ignore the parameter.
	dfByType = "1.42"
	// dfUsage is the first API version in which the engine counts by itself, in its own way. The library does not know it.
	dfUsage = "1.52"
)

// dfVersion is the API version for /system/df: the negotiated one or, where the engine speaks it and nobody pinned
// another, the one in which its command line asks.
func (c *Client) dfVersion() string {
	newest := c.guard.spoken.Load()
	if c.o.APIVersion == "" && newest != nil && apiVersion.MatchString(*newest) && versions.GreaterThanOrEqualTo(*newest, dfUsage) {
		return dfUsage
	}
	return c.APIVersion()
}

// diskQuestions are the kinds to ask for, request by request: one each, the quickest first, or all at once where the engine
// knows no other way.
func (c *Client) diskQuestions() [][]DiskKind {
	if versions.LessThan(c.dfVersion(), dfByType) {
		return [][]DiskKind{DiskKinds()}
	}
	return [][]DiskKind{{DiskContainers}, {DiskImages}, {DiskBuildCache}, {DiskVolumes}}
}

// diskUsage returns what GET /system/df says of some kinds; ctx limits it in time.
func (c *Client) diskUsage(ctx context.Context, kinds []DiskKind) (*diskAnswer, error) {
	lib, err := c.current()
	if err != nil {
		return nil, err
	}
	version, query := c.dfVersion(), url.Values{}
	if versions.GreaterThanOrEqualTo(version, dfByType) {
		for _, kind := range kinds {
			query.Add("type", string(kind.object()))
		}
	}
	if versions.GreaterThanOrEqualTo(version, dfUsage) {
		query.Set("verbose", "1") // the lists, and not in the older form as well
	}
	resp, err := c.send(ctx, lib, "/v"+version+dfEndpoint, query)
	if err != nil {
		return nil, c.failed(dfEndpoint, err)
	}
	defer drain(resp)
	answer, err := decodeDisk(resp.Body, kinds)
	if err != nil {
		return nil, c.failed(dfEndpoint, err)
	}
	return answer, nil
}

// object is the API's word for a kind.
func (k DiskKind) object() types.DiskUsageObject {
	switch k {
	case DiskImages:
		return types.ImageObject
	case DiskContainers:
		return types.ContainerObject
	case DiskVolumes:
		return types.VolumeObject
	}
	return types.BuildCacheObject
}
