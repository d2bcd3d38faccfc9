package schema

// TargetGroup is an entry of the list that /api/v1/sd answers with, in the form of Prometheus' http_sd.
type TargetGroup struct {
	Targets []string          `json:"targets"`
	Labels  map[string]string `json:"labels"`
}

// DiscoveryProblems is the answer of /api/v1/sd/problems.
type DiscoveryProblems struct {
	Time       Moment             `json:"time"`
	Containers []DiscoveryProblem `json:"containers"`
}

// DiscoveryProblem is a container that asks to be scraped and is no target.
type DiscoveryProblem struct {
	ID      Text   `json:"id"`
	Name    Text   `json:"name"`
	Engine  Text   `json:"engine"`
	Problem string `json:"problem"`
}
