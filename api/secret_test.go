package api

import "testing"

func TestMasked(t *testing.T) {
	t.Parallel()
	for _, key := range []string{
		"password", "DB_PASSWORD", "com.example.dbPassword", "mysql-root-passwd", "secret", "app.client_secret", "token", "GITHUB_TOKEN", "api_key",
		"API-KEY", "apikey", "X-ApiKey", "credential", "aws.credentials", "private_key", "tls.privateKey", "auth", "proxy.AUTH", "dbAuth",
		"traefik.http.middlewares.x.basicauth.users", "oauth2.client", "aws_access_key_id", "PASS", "db.pwd", "pass phrase", "Authorization",
	} {
		if got := masked(key, "x"); got != "***" {
			t.Errorf("%s: got %q", key, got)
		}
		if got := masked(key, ""); got != "" {
			t.Errorf("%s: nothing became %q", key, got)
		}
	}
	for _, key := range []string{
		"", "org.opencontainers.image.authors", "author", "com.docker.compose.project", "maintainer", "key", "monkey", "compass", "bypass.cache",
		"passenger", "powder", "keyboard", "com.example.authority", "traefik.http.routers.x.rule",
	} {
		if got := masked(key, "x"); got != "x" {
			t.Errorf("%s: got %q", key, got)
		}
	}
}

// TestMasked_address: the password in an address is not shown, whatever the key.
func TestMasked_address(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"https://git.example/x":                "https://git.example/x",
		"https://me:hunter2@git.example/x?y=1": "https://me:***@git.example/x?y=1",
		"https://me@git.example/x":             "https://me@git.example/x",
		"https://me:@git.example/x":            "https://me:@git.example/x",
		"https://me:hunter2@%zz":               "https://me:***@%zz",
		"see a://me:x@h/, b://:y@i":            "see a://me:***@h/, b://:***@i",
	} {
		if got := masked("repository", value); got != want {
			t.Errorf("%s: got %q, want %q", value, got, want)
		}
	}
}
