package fakeengine

import (
	"slices"
	"strings"
)

// Tag lets a tag such as "busybox:latest" name an image, which is made when there is none of that id.
func (e *Engine) Tag(tag, id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.untag(tag)
	i := slices.IndexFunc(e.images, func(image map[string]any) bool { return text(image["Id"]) == id })
	if i < 0 {
		i = len(e.images)
		e.images = append(e.images, map[string]any{"Id": id, "RepoTags": []any{}, "Created": e.now().Unix()})
	}
	tags, _ := e.images[i]["RepoTags"].([]any)
	e.images[i]["RepoTags"] = append(slices.Clone(tags), tag)
	e.emit("image", "tag", id, map[string]string{"name": tag})
}

// Untag takes a tag from the image that has it, which stays.
func (e *Engine) Untag(tag string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id := e.imageID(tag)
	e.untag(tag)
	e.emit("image", "untag", id, map[string]string{"name": id})
}

// untag is Untag without a word, under the lock.
func (e *Engine) untag(tag string) {
	for _, image := range e.images {
		tags, _ := image["RepoTags"].([]any)
		image["RepoTags"] = slices.DeleteFunc(slices.Clone(tags), func(other any) bool { return other == tag })
	}
}

// imageID is the id of the image that has a tag; one that is in no list when there is none.
func (e *Engine) imageID(tag string) string {
	for _, image := range e.images {
		if tags, _ := image["RepoTags"].([]any); slices.Contains(tags, any(tag)) {
			return text(image["Id"])
		}
	}
	return "sha256:" + strings.Repeat("0", 64)
}

// listImages renders /images/json.
func (e *Engine) listImages() []byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return encode(e.images)
}
