package registry

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/gx-etl/gx/plugins/sdk"
)

// How long a registry may be away while a job runs and when it starts, before the job fails, and how long we wait between
// two tries.
var (
	awayBudget = 60 * time.Second
	openBudget = 10 * time.Second
	firstPause = 100 * time.Millisecond
	maxPause   = 5 * time.Second
)

// maxAnswer bounds an answer of a registry, in bytes.
const maxAnswer = 16 << 20

// ask gets a path from whichever URL answers, over and over while the registry is in trouble. False: it says that there
// is no such thing. Errors are faults, or that of ctx.
func (c *Client) ask(ctx context.Context, path string, into any, budget time.Duration) (found bool, err error) {
	c.mu.Lock()
	at := c.first
	c.mu.Unlock()
	deadline := time.Now().Add(budget)
	for pause := firstPause; ; pause = min(2*pause, maxPause) {
		var trouble error
		for range c.config.URLs {
			found, err = c.get(ctx, c.config.URLs[at], path, into)
			var passing *passingError
			if !errors.As(err, &passing) {
				c.mu.Lock()
				c.first = at
				c.mu.Unlock()
				return found, err
			}
			if ctx.Err() != nil {
				return false, ctx.Err()
			}
			at = (at + 1) % len(c.config.URLs)
			trouble = passing.error
		}
		if time.Now().Add(pause).After(deadline) {
			return false, sdk.Faultf(sdk.Unreachable, "ask the schema registry: %w", trouble).At(c.config.Option+".schemaRegistryUrl").
				Hint("the registry did not answer for %s; run the job again when it is back", budget)
		}
		if err := sleep(ctx, pause); err != nil {
			return false, err
		}
	}
}

// passingError is one that may be gone at the next try.
type passingError struct{ error }

func (e *passingError) Unwrap() error { return e.error }

// get asks one URL once.
func (c *Client) get(ctx context.Context, base, path string, into any) (found bool, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, nil)
	if err != nil {
		return false, sdk.Faultf(sdk.Config, "ask the schema registry: %w", err).At(c.config.Option + ".schemaRegistryUrl")
	}
	r.Header.Set("Accept", "application/vnd.schemaregistry.v1+json, application/json")
	c.config.login(r)
	resp, err := c.http.Do(r)
	if err != nil {
		var u *url.Error
		if errors.As(err, &u) {
			err = u.Err
		}
		if isTLS(err) {
			return false, sdk.Faultf(sdk.Denied, "ask the schema registry %s: %w", base, err).At(c.config.Option + ".schemaRegistryAuth").
				Hint("ca must name the certificate authority of the registry in PEM; certificate and key are for registries that ask for one")
		}
		return false, &passingError{fmt.Errorf("%s: %w", base, err)}
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return false, &passingError{fmt.Errorf("%s: %w", base, err)}
	}
	return c.judge(resp.StatusCode, base, path, body, into)
}

// judge says what an answer means.
func (c *Client) judge(status int, base, path string, body []byte, into any) (found bool, err error) {
	said := struct {
		Code    int    `json:"error_code"`
		Message string `json:"message"`
	}{}
	_ = json.Unmarshal(body, &said) // an answer from something else has none
	switch {
	case status == http.StatusOK && len(body) > maxAnswer:
		return false, sdk.Faultf(sdk.Refused, "the schema registry answers %s with more than %d MiB", path, maxAnswer>>20).At(c.config.Option + ".schemaRegistryUrl")
	case status == http.StatusOK:
		if err := json.Unmarshal(body, into); err != nil {
			return false, c.notRegistry(base, path, "what is no answer of a registry")
		}
		return true, nil
	case status == http.StatusNotFound && (said.Code >= 40400 && said.Code < 40500):
		return false, nil
	case status == http.StatusNotFound && path == "/schemas/types":
		return false, nil
	case status == http.StatusNotFound:
		return false, c.notRegistry(base, path, "404 and no reason")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return false, sdk.Faultf(sdk.Denied, "the schema registry refuses us (%d %s)", status, http.StatusText(status)).At(c.config.Option + ".schemaRegistryAuth").
			Hint("give username and password, or token, of a user who may read schemas")
	case status >= 500, status == http.StatusTooManyRequests, status == http.StatusRequestTimeout:
		return false, &passingError{fmt.Errorf("%s answers %d %s%s", base, status, http.StatusText(status), behind(said.Message))}
	}
	return false, sdk.Faultf(sdk.Refused, "the schema registry answers %s with %d %s%s", path, status, http.StatusText(status), behind(said.Message)).
		At(c.config.Option + ".schemaRegistryUrl")
}

func behind(message string) string {
	if message == "" {
		return ""
	}
	return fmt.Sprintf(": %.200q", message)
}

func (c *Client) notRegistry(base, path, what string) error {
	return sdk.Faultf(sdk.Config, "%s answers %s with %s", base, path, what).At(c.config.Option + ".schemaRegistryUrl").
		Hint("the address of the registry's Confluent interface, with its path: for Apicurio it ends in /apis/ccompat/v7")
}

func (c *Client) notThere() error { return c.notRegistry(c.config.URLs[0], "/subjects", "404") }

func isTLS(err error) bool {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	return errors.As(err, &authority) || errors.As(err, &host) || errors.As(err, &invalid) || errors.As(err, &verify) || errors.As(err, &record) || errors.As(err, &alert)
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
