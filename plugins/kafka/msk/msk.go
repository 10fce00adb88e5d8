// Package msk makes the tokens by which clients log in to Amazon MSK with IAM: a request that is never sent, signed with
// Signature Version 4 in its URL.
package msk

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Credentials are those of a user or of a role; SessionToken belongs to a role.
type Credentials struct{ AccessKeyID, SecretAccessKey, SessionToken string }

// Life is how long a token is good, the longest that brokers take.
const Life = 15 * time.Minute

// Token signs a token and tells when it ends.
func Token(now time.Time, region string, c Credentials) (string, time.Time) {
	r := request{host: "kafka." + region + ".amazonaws.com", path: "/", region: region, service: "kafka-cluster",
		life: Life, payload: hashed(nil), query: map[string]string{"Action": "kafka-cluster:Connect"}}
	text := "https://" + r.host + r.path + "?" + r.presign(now, c) + "&User-Agent=gx"
	return base64.RawURLEncoding.EncodeToString([]byte(text)), now.Add(Life)
}

// request is a GET without a body of which only the host is signed.
type request struct {
	host, path, region, service, payload string
	life                                 time.Duration
	query                                map[string]string
}

// presign returns the query with the signature at its end. The steps are those of "Create a signed AWS API request".
func (r *request) presign(now time.Time, c Credentials) string {
	stamp := now.UTC().Format("20060102T150405Z")
	scope := stamp[:8] + "/" + r.region + "/" + r.service + "/aws4_request"
	query := map[string]string{
		"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Credential": c.AccessKeyID + "/" + scope, "X-Amz-Date": stamp,
		"X-Amz-Expires": strconv.Itoa(int(r.life.Seconds())), "X-Amz-SignedHeaders": "host",
	}
	if c.SessionToken != "" {
		query["X-Amz-Security-Token"] = c.SessionToken
	}
	for k, v := range r.query {
		query[k] = v
	}
	var parts []string
	for k, v := range query {
		parts = append(parts, escape(k)+"="+escape(v))
	}
	slices.Sort(parts)
	joined := strings.Join(parts, "&")
	canonical := "GET\n" + r.path + "\n" + joined + "\nhost:" + r.host + "\n\nhost\n" + r.payload
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hashed([]byte(canonical))
	return joined + "&X-Amz-Signature=" + hex.EncodeToString(mac(signingKey(c.SecretAccessKey, stamp[:8], r.region, r.service), text))
}

func signingKey(secret, day, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{day, region, service, "aws4_request"} {
		key = mac(key, part)
	}
	return key
}

func mac(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hashed(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// escape is the URI encoding of AWS, in which a blank is %20.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

var (
	brokerName = regexp.MustCompile(`\.([a-z]{2}(?:-[a-z]+)+-[0-9]+)\.amazonaws\.com(?:\.cn)?$`)
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]+$`)
)

// IsRegion tells whether a name has the form of a region.
func IsRegion(name string) bool { return regionName.MatchString(name) }

// RegionOf is the region that stands in the address of a broker of MSK, or "".
func RegionOf(addr string) string {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	if m := brokerName.FindStringSubmatch(strings.ToLower(strings.TrimSuffix(host, "."))); m != nil {
		return m[1]
	}
	return ""
}

// SharedCredentials reads a profile of a credentials file, such as ~/.aws/credentials.
func SharedCredentials(file, profile string) (Credentials, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return Credentials{}, err
	}
	values, found, err := section(text, profile)
	switch {
	case err != nil:
		return Credentials{}, fmt.Errorf("%s: %w", file, err)
	case !found:
		return Credentials{}, fmt.Errorf("%s has no profile %q", file, profile)
	}
	c := Credentials{AccessKeyID: values["aws_access_key_id"], SecretAccessKey: values["aws_secret_access_key"], SessionToken: values["aws_session_token"]}
	if c.AccessKeyID == "" || c.SecretAccessKey == "" {
		return Credentials{}, fmt.Errorf("profile %q of %s holds no aws_access_key_id and aws_secret_access_key", profile, file)
	}
	return c, nil
}

// section reads the values of one section of an INI file. Lines in errors are numbers only, as values are secret.
func section(text []byte, name string) (values map[string]string, found bool, err error) {
	values = map[string]string{}
	within, n := false, 0
	lines := bufio.NewScanner(bytes.NewReader(text))
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' || line[0] == ';' {
			continue
		}
		if line[0] == '[' {
			title, _, closed := strings.Cut(line[1:], "]")
			if !closed {
				return nil, false, fmt.Errorf("line %d: a ] is missing", n)
			}
			within = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(title), "profile ")) == name
			found = found || within
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, false, fmt.Errorf("line %d is not name = value", n)
		}
		if within {
			values[strings.ToLower(strings.TrimSpace(key))] = strings.TrimSpace(value)
		}
	}
	return values, found, lines.Err()
}
