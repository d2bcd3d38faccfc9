// Package require says what a test needs of the machine. What is missing leaves the test out, by name, unless
// TALLYMAN_TEST_REQUIRE asks for it: "1" for everything, or a list such as "engine,promtool".
//
// It installs nothing: test/env/setup does. Start reading at Engine.
package require
