// Package ask asks a tallyman for its JSON: one that runs somewhere, over HTTP, or the parts in this process, by their handler. Who asks
// does not see the difference. It prints nothing. Start reading at Client.
package ask
