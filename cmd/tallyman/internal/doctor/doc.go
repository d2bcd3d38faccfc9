// Package doctor checks what tallyman needs on a host, by the parts that serve uses, and says how to mend what is missing. It writes to
// no file, and sends an engine nothing but what serve sends. Start reading at Check.
package doctor
