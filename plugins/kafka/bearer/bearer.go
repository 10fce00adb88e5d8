// Package bearer gets the tokens by which OAUTHBEARER logs in, and keeps each for as long as it is good.
package bearer

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Token is a token and the time at which it ends; a zero time is not known.
type Token struct {
	Value   string
	Expires time.Time
}

// Source gives a new token.
type Source func(ctx context.Context) (Token, error)

// Error says why there is no token. No secret stands in it.
type Error struct {
	Refused bool // somebody said no; trying again is of no use
	Err     error
	Try     string
}

func (e *Error) Error() string { return e.Err.Error() }

func (e *Error) Unwrap() error { return e.Err }

// legal is what RFC 6750 allows in a token; anything else could end the message that carries it.
var legal = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// Parse looks whether text can be a token, and when it ends if it is a JSON Web Token.
func Parse(text string) (Token, error) {
	if !legal.MatchString(text) {
		return Token{}, errors.New("it is not a token: only letters, digits and . _ ~ + / - = may stand in one")
	}
	return Token{Value: text, Expires: expiry(text)}, nil
}

// expiry reads the claim exp (RFC 7519) of a JSON Web Token; zero when there is none.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 && len(parts) != 2 {
		return time.Time{}
	}
	body, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var claims struct {
		Exp float64 `json:"exp"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}

// Static gives one token until it ends.
func Static(text string) Source {
	return func(context.Context) (Token, error) {
		t, err := Parse(text)
		if err != nil {
			return Token{}, &Error{Refused: true, Err: fmt.Errorf("sasl.oauthbearer.token: %w", err), Try: "the text of an access token alone"}
		}
		return t, expired(t, "the token of sasl.oauthbearer.token", "get a new one, or let gx get them: sasl.oauthbearer.token.endpoint.url")
	}
}

// File gives the token that stands in a file, which somebody else keeps fresh.
func File(path string) Source {
	return func(context.Context) (Token, error) {
		text, err := os.ReadFile(path)
		if err != nil {
			return Token{}, &Error{Refused: true, Err: fmt.Errorf("the file of the token: %w", err), Try: "check the path of sasl.oauthbearer.token.endpoint.url"}
		}
		t, err := Parse(strings.TrimSpace(string(text)))
		if err != nil {
			return Token{}, &Error{Refused: true, Err: fmt.Errorf("%s: %w", path, err), Try: "the file must hold an access token and nothing else"}
		}
		return t, expired(t, "the token in "+path, "whoever writes the file must renew it before it ends")
	}
}

func expired(t Token, what, try string) error {
	if !t.Expires.IsZero() && !time.Now().Before(t.Expires) {
		return &Error{Refused: true, Err: fmt.Errorf("%s ended at %s", what, t.Expires.UTC().Format(time.RFC3339)), Try: try}
	}
	return nil
}

// Cache keeps a token until most of its life is over. Several goroutines may use it.
type Cache struct {
	Source Source
	// A token is renewed when Factor of its life is over, or Buffer before its end, whichever comes first.
	Factor float64
	Buffer time.Duration
	// Timeout is how long getting one may take in all.
	Timeout time.Duration

	mu    sync.Mutex // guards the following, and makes others wait for the one that asks
	token Token
	renew time.Time
}

// Get gives a token that is good now. When a new one cannot be had, the old one serves until its end.
func (c *Cache) Get(now time.Time) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now.Before(c.renew) {
		return c.token.Value, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.Timeout)
	defer cancel()
	t, err := c.Source(ctx)
	if err != nil {
		if now.Before(c.token.Expires) {
			return c.token.Value, nil
		}
		return "", err
	}
	c.token, c.renew = t, time.Time{} // a token without an end is asked for every time
	if life := t.Expires.Sub(now); !t.Expires.IsZero() && life > 0 {
		c.renew = now.Add(time.Duration(c.Factor * float64(life)))
		if last := t.Expires.Add(-c.Buffer); c.Buffer < life && last.Before(c.renew) {
			c.renew = last
		}
	}
	return t.Value, nil
}
