package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"strconv"
	"syscall"
)

// problem says, in one line for people, why the engine is not up and what to do about it.
func (c *Client) problem(err error) string {
	if err == nil {
		return ""
	}
	unix := c.host.network == "unix"
	where := c.o.Host
	var status *StatusError
	_, trouble := tlsTrouble(err, c.certs)
	switch {
	case unix && errors.Is(err, fs.ErrPermission):
		return permissionProblem(c.host.address)
	case unix && errors.Is(err, fs.ErrNotExist):
		return fmt.Sprintf("there is no socket %s: is dockerd running, and is this its socket?", c.host.address)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("nothing listens on %s: is dockerd running?", where)
	case errors.Is(err, errStreamEnded):
		return fmt.Sprintf("%s closed the event stream: it was stopped or restarted, or a proxy cut the connection", where)
	case isWrongVersion(err):
		return c.versionProblem(err)
	case isTimeout(err):
		return fmt.Sprintf("%s did not answer within %s", where, c.o.Timeout)
	case trouble != "":
		return where + " " + trouble + c.certs.outdated()
	case isRefused(err) && errors.As(err, &status):
		return oneLine(fmt.Sprintf("%s answered %d to GET %s: allow that in the proxy before it, or is it no Docker engine? (%s)",
			where, status.Code, status.Endpoint, status.Message))
	case errors.As(err, &status):
		return oneLine(fmt.Sprintf("%s answered %d to %s: %s", where, status.Code, status.Endpoint, status.Message))
	case errors.Is(err, errHTML):
		return fmt.Sprintf("%s answered HTML instead of JSON: is it a Docker engine?", where)
	}
	return oneLine(fmt.Sprintf("%s: %v", where, err))
}

func (c *Client) versionProblem(err error) string {
	var status *StatusError
	errors.As(err, &status)
	if c.o.APIVersion == "" {
		return oneLine(fmt.Sprintf("%s refuses API version %s: %s", c.o.Host, c.APIVersion(), status.Message))
	}
	return oneLine(fmt.Sprintf("%s does not speak the pinned API version %s, leave it out to negotiate: %s",
		c.o.Host, c.o.APIVersion, status.Message))
}

// permissionProblem says which group may use a socket and how to become a member of it.
func permissionProblem(socket string) string {
	info, err := os.Stat(socket)
	if err != nil {
		return fmt.Sprintf("no permission to reach %s: a folder above it is closed to user id %d", socket, os.Geteuid())
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return fmt.Sprintf("no permission to use %s", socket)
	}
	gid := strconv.FormatUint(uint64(owner.Gid), 10)
	if info.Mode().Perm()&0o060 != 0o060 {
		return fmt.Sprintf("no permission to use %s: its mode is %o, only user id %d may use it", socket, info.Mode().Perm(), owner.Uid)
	}
	group := "group id " + gid
	name := gid
	if g, err := user.LookupGroupId(gid); err == nil {
		group, name = "group "+g.Name, g.Name
	}
	return fmt.Sprintf("no permission to use %s, which belongs to %s: add the user to it (usermod -aG %s USER), "+
		"or in a container run with --group-add %s", socket, group, name, gid)
}
