package fakeengine

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// zeroTime is how the engine writes "never".
const zeroTime = "0001-01-01T00:00:00Z"

// ID returns the id of a container given by name or id, "" when there is none.
func (e *Engine) ID(ref string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.resolve(ref)
}

// IDs lists the containers, newest first.
func (e *Engine) IDs() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.order)
}

// Mute makes changes silent while it is on: the containers change, but no event is sent or remembered.
func (e *Engine) Mute(on bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.muted = on
}

// Create adds a container in state created, of the image that has the tag now, and returns its id.
func (e *Engine) Create(name, image string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.created++
	sum := sha256.Sum256([]byte(name + strconv.Itoa(e.created)))
	id := hex.EncodeToString(sum[:])
	labels := map[string]any{}
	imageID := e.imageID(image)
	e.containers[id] = map[string]any{
		"Id": id, "Name": "/" + name, "Created": stamp(e.now()), "Path": "sh", "Args": []any{},
		"Image": imageID, "RestartCount": 0,
		"State": map[string]any{
			"Status": "created", "Running": false, "Paused": false, "Restarting": false, "OOMKilled": false, "Dead": false,
			"Pid": 0, "ExitCode": 0, "Error": "", "StartedAt": zeroTime, "FinishedAt": zeroTime,
		},
		"HostConfig": map[string]any{
			"NetworkMode": "bridge", "RestartPolicy": map[string]any{"Name": "no"}, "Runtime": "runc", "CgroupParent": "",
		},
		"Config": map[string]any{"Image": image, "Labels": labels},
	}
	e.listed[id] = map[string]any{
		"Id": id, "Names": []any{"/" + name}, "Image": image, "ImageID": imageID,
		"Created": e.now().Unix(), "State": "created", "Status": "Created", "Labels": labels,
		"HostConfig": map[string]any{"NetworkMode": "bridge"},
	}
	e.order = slices.Insert(e.order, 0, id)
	e.emit("container", "create", id, e.attributes(id))
	return id
}

// Run starts a container. It panics, like all the methods that change one, when there is none of that name or id.
func (e *Engine) Run(ref string) { e.RunAs(ref, 4242) }

// RunAs is Run with the pid of the first process.
func (e *Engine) RunAs(ref string, pid int) {
	e.change(ref, "start", nil, func(_, state map[string]any) {
		setStatus(state, "running")
		state["Pid"], state["ExitCode"], state["OOMKilled"], state["Error"] = pid, 0, false, ""
		state["StartedAt"] = stamp(e.now())
	})
}

// ManualRun is Run by a person: it sets RestartCount back to 0, as dockerd does.
func (e *Engine) ManualRun(ref string) {
	e.Update(ref, func(doc map[string]any) { doc["RestartCount"] = 0 })
	e.Run(ref)
}

// Die ends a container's run with an exit code.
func (e *Engine) Die(ref string, exitCode int) { e.die(ref, exitCode, "exited") }

// DieToRestart ends a run of a container that its restart policy will start again.
func (e *Engine) DieToRestart(ref string, exitCode int) { e.die(ref, exitCode, "restarting") }

func (e *Engine) die(ref string, exitCode int, status string) {
	e.change(ref, "die", map[string]string{"exitCode": strconv.Itoa(exitCode)}, func(doc, state map[string]any) {
		setStatus(state, status)
		state["Pid"], state["ExitCode"] = 0, exitCode
		state["FinishedAt"] = stamp(e.now())
		if status == "restarting" {
			doc["RestartCount"] = number(doc["RestartCount"]) + 1
		}
	})
}

// OOM lets a container meet the out-of-memory killer; whether it dies of it is up to the caller.
func (e *Engine) OOM(ref string) {
	e.change(ref, "oom", nil, func(_, state map[string]any) { state["OOMKilled"] = true })
}

// Pause freezes a container.
func (e *Engine) Pause(ref string) {
	e.change(ref, "pause", nil, func(_, state map[string]any) { setStatus(state, "paused") })
}

// Unpause thaws a container.
func (e *Engine) Unpause(ref string) {
	e.change(ref, "unpause", nil, func(_, state map[string]any) { setStatus(state, "running") })
}

// Health sets what the health check says: "starting", "healthy" or "unhealthy".
func (e *Engine) Health(ref, status string) {
	e.change(ref, "health_status: "+status, nil, func(_, state map[string]any) {
		h := object(state, "Health")
		h["Status"] = status
		if status == "unhealthy" {
			h["FailingStreak"] = number(h["FailingStreak"]) + 1
		} else {
			h["FailingStreak"] = 0
		}
	})
}

// Rename gives a container another name.
func (e *Engine) Rename(ref, name string) {
	e.mu.Lock()
	id := e.mustResolve(ref)
	old := text(e.containers[id]["Name"])
	e.mu.Unlock()
	e.change(id, "rename", map[string]string{"oldName": old}, func(doc, _ map[string]any) { doc["Name"] = "/" + name })
}

// Update changes anything in the inspect answer of a container and emits "update".
func (e *Engine) Update(ref string, change func(inspect map[string]any)) {
	e.change(ref, "update", nil, func(doc, _ map[string]any) { change(doc) })
}

// Destroy removes a container.
func (e *Engine) Destroy(ref string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.mustResolve(ref)
	attributes := e.attributes(id)
	delete(e.containers, id)
	delete(e.listed, id)
	delete(e.stats, id)
	delete(e.logs, id)
	e.endStats(id)
	e.order = slices.DeleteFunc(e.order, func(other string) bool { return other == id })
	e.emit("container", "destroy", id, attributes)
}

// change alters a container, keeps the list in step, and emits the event.
func (e *Engine) change(ref, action string, extra map[string]string, do func(doc, state map[string]any)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.mustResolve(ref)
	doc := e.containers[id]
	do(doc, object(doc, "State"))
	item := e.listed[id]
	item["Names"] = []any{doc["Name"]}
	item["State"] = object(doc, "State")["Status"]
	attributes := e.attributes(id)
	maps.Copy(attributes, extra)
	e.emit("container", action, id, attributes)
}

// attributes are what dockerd adds to each event of a container: its labels, image and name.
func (e *Engine) attributes(id string) map[string]string {
	doc := e.containers[id]
	out := map[string]string{"name": strings.TrimPrefix(text(doc["Name"]), "/")}
	config := object(doc, "Config")
	out["image"] = text(config["Image"])
	for key, value := range object(config, "Labels") {
		out[key] = text(value)
	}
	return out
}

// resolve finds a container by id or name.
func (e *Engine) resolve(ref string) string {
	if _, ok := e.containers[ref]; ok {
		return ref
	}
	for id, doc := range e.containers {
		if text(doc["Name"]) == "/"+ref {
			return id
		}
	}
	return ""
}

func (e *Engine) mustResolve(ref string) string {
	id := e.resolve(ref)
	if id == "" {
		panic(fmt.Sprintf("fakeengine: no container %q", ref))
	}
	return id
}

// setStatus sets Status and the flags that go with it; Running stays true while a container restarts, as in dockerd.
func setStatus(state map[string]any, status string) {
	state["Status"] = status
	state["Running"] = status == "running" || status == "paused" || status == "restarting"
	state["Paused"] = status == "paused"
	state["Restarting"] = status == "restarting"
}

// number is v as an int; 0 when it is none.
func number(v any) int {
	switch n := v.(type) {
	case int:
		return n
	case json.Number:
		i, err := n.Int64()
		if err == nil {
			return int(i)
		}
	}
	return 0
}
