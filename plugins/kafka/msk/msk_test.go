package msk

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The example of a presigned URL in "Authenticating Requests: Using Query Parameters" of Amazon S3.
func TestPresignIsThatOfTheDocumentation(t *testing.T) {
	r := request{host: "examplebucket.s3.amazonaws.com", path: "/test.txt", region: "us-east-1", service: "s3", life: 24 * time.Hour, payload: "UNSIGNED-PAYLOAD"}
	got := r.presign(time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC), Credentials{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	const want = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z" +
		"&X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
	if got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// The example of a derived key in "Deriving the signing key" of the IAM documentation.
func TestSigningKeyIsThatOfTheDocumentation(t *testing.T) {
	got := hex.EncodeToString(signingKey("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "20120215", "us-east-1", "iam"))
	if want := "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestToken(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.FixedZone("", 3600))
	token, ends := Token(now, "eu-west-1", Credentials{AccessKeyID: "AKID", SecretAccessKey: "very/secret", SessionToken: "session+token=="})
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if u.Scheme != "https" || u.Host != "kafka.eu-west-1.amazonaws.com" || u.Path != "/" || !ends.Equal(now.Add(15*time.Minute)) {
		t.Errorf("%s, ends %s", u, ends)
	}
	q := u.Query()
	for key, want := range map[string]string{
		"Action": "kafka-cluster:Connect", "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": "AKID/20260102/eu-west-1/kafka-cluster/aws4_request",
		"X-Amz-Date": "20260102T020405Z", "X-Amz-Expires": "900", "X-Amz-SignedHeaders": "host", "X-Amz-Security-Token": "session+token==", "User-Agent": "gx",
	} {
		if q.Get(key) != want {
			t.Errorf("%s is %q, want %q", key, q.Get(key), want)
		}
	}
	if len(q.Get("X-Amz-Signature")) != 64 || len(q) != 9 || strings.Contains(string(text), "secret") {
		t.Errorf("%s", text)
	}
}

func TestRegionOf(t *testing.T) {
	for addr, want := range map[string]string{
		"b-1.demo.x1y2.c3.kafka.eu-west-1.amazonaws.com:9098":           "eu-west-1",
		"boot-abc.c1.kafka-serverless.us-gov-east-1.amazonaws.com:9098": "us-gov-east-1",
		"B-2.DEMO.x.c3.kafka.cn-north-1.amazonaws.com.cn:9098":          "cn-north-1",
		"broker:9092": "", "kafka.eu-west-1.example.com:9098": "", "": "",
	} {
		if got := RegionOf(addr); got != want {
			t.Errorf("%s: %q, want %q", addr, got, want)
		}
	}
	if !IsRegion("ap-southeast-2") || IsRegion("eu-west-1.evil.com/") || IsRegion("Ireland") {
		t.Error("IsRegion")
	}
}

func TestSharedCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "credentials")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("# a comment\n[default]\naws_access_key_id = A\naws_secret_access_key=S==\n\n; more\n[profile etl] \nAWS_ACCESS_KEY_ID=B\naws_secret_access_key = T\naws_session_token = U\n[role]\nrole_arn = x\n")
	for profile, want := range map[string]Credentials{"default": {"A", "S==", ""}, "etl": {"B", "T", "U"}} {
		if got, err := SharedCredentials(file, profile); err != nil || got != want {
			t.Errorf("%s: %+v %v", profile, got, err)
		}
	}
	refused := func(profile, want string) {
		t.Helper()
		if _, err := SharedCredentials(file, profile); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", profile, err)
		}
	}
	refused("none", `has no profile "none"`)
	refused("role", `profile "role" of `+file+" holds no aws_access_key_id")
	write("[default]\nhunter2\n")
	refused("default", "line 2 is not name = value")
	write("[default\nhunter2=\n")
	refused("default", "line 1: a ] is missing")
	file += "x"
	refused("default", "no such file")
}

func FuzzSection(f *testing.F) {
	f.Add([]byte("[default]\na=b\n"), "default")
	f.Add([]byte("[\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, name string) {
		values, found, err := section(text, name)
		if err == nil && !found && len(values) > 0 {
			t.Error("values of a section that is not there")
		}
	})
}
