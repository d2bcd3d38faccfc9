package schema

// Top lists the containers that use most, the largest first, at most five of each; those that use nothing are not listed.
type Top struct {
	CPU        []Consumer `json:"cpu"`        // cores
	Memory     []Consumer `json:"memory"`     // bytes of the working set
	Throttling []Consumer `json:"throttling"` // part of the periods
	IO         []Consumer `json:"io"`         // bytes per second, read and written
	Network    []Consumer `json:"network"`    // bytes per second, received and sent
	Pressure   []Consumer `json:"pressure"`   // part of the time, of what is scarcest
}

// Consumer is a container with what it uses.
type Consumer struct {
	ID     Text   `json:"id"`
	Name   Text   `json:"name"`
	Engine Text   `json:"engine"`
	Value  Number `json:"value"`
}

// Age says how old a part of a Summary is.
type Age struct {
	// Part is kernel, engine, disk_images, disk_containers, disk_volumes or disk_build_cache.
	Part       string `json:"part"`
	Engine     Text   `json:"engine"`
	At         Moment `json:"at"`
	AgeSeconds Number `json:"age_seconds"`
}

// Capabilities is the answer of /api/v1/capabilities.
type Capabilities struct {
	Time         Moment       `json:"time"`
	Capabilities []Capability `json:"capabilities"`
	Groups       []Group      `json:"groups"`
}

// Capability is something that can be seen here, or not.
type Capability struct {
	Name string `json:"name"`
	// Engine is whose it is; "" for what is the kernel's, and where there is only one engine.
	Engine    Text `json:"engine"`
	Available bool `json:"available"`
	// Reason says in a word why it is not, Help what would mend it.
	Reason Text `json:"reason"`
	Help   Text `json:"help"`
}

// Group is a group of metrics.
type Group struct {
	Name    string `json:"name"`
	Help    string `json:"help"`
	On      bool   `json:"on"`
	Default bool   `json:"default"`
	Flag    string `json:"flag"`
}
