package store

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Users holds the accounts and roles of the stand-in. An account is known by its
// name alone: whatever its host part, it logs in from anywhere. It is safe for
// concurrent use.
type Users struct {
	mu       sync.RWMutex // guards the following and everything in them
	accounts map[string]*account
	roles    map[string]*grantee // roles that were created; the built-in ones are not in it
}

type account struct {
	password string
	readOnly bool
	grantee
	defaults []string // roles active at login, those of SET DEFAULT ROLE
	// properties are those of SET PROPERTY by name.
	properties map[string]string
}

// NewUsers returns the accounts of a fresh server: root with an empty password.
func NewUsers() *Users {
	u := &Users{accounts: map[string]*account{}, roles: map[string]*grantee{}}
	u.Add("root", "")
	return u
}

// Add creates a user who may do everything, as root may, or changes the password of
// one that exists.
func (u *Users) Add(user, password string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.accounts[user]; a != nil {
		a.password = password
		return
	}
	u.accounts[user] = &account{password: password, grantee: grantee{roles: []string{RoleRoot}}, defaults: []string{RoleRoot}}
}

// UserExists reports an account that is there already.
type UserExists struct{ User string }

func (e *UserExists) Error() string {
	return fmt.Sprintf("Operation CREATE USER failed for %s : user already exists", Identity(e.User))
}

// UnknownUser reports an account that does not exist.
type UnknownUser struct{ User string }

func (e *UnknownUser) Error() string { return "cannot find user " + Identity(e.User) + "!" }

// UnknownRole reports a role that does not exist.
type UnknownRole struct{ Role string }

func (e *UnknownRole) Error() string { return "cannot find role " + e.Role + "!" }

// Identity writes a user as the server does, 'name'@'%'.
func Identity(user string) string { return "'" + user + "'@'%'" }

// Create makes a user with no rights but those of role public, and with the given
// roles granted and active at login. Errors: *UserExists, *UnknownRole.
func (u *Users) Create(user, password string, defaults ...string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.accounts[user] != nil {
		return &UserExists{User: user}
	}
	if err := u.known(defaults); err != nil {
		return err
	}
	u.accounts[user] = &account{password: password, grantee: grantee{roles: slices.Clone(defaults)}, defaults: slices.Clone(defaults)}
	return nil
}

// SetPassword changes a password; the error is an *UnknownUser.
func (u *Users) SetPassword(user, password string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.accounts[user]
	if a == nil {
		return &UnknownUser{User: user}
	}
	a.password = password
	return nil
}

// Drop removes a user. Connections it has open lose all their rights. The error is
// an *UnknownUser, or says that root stays.
func (u *Users) Drop(user string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if user == "root" {
		return inWords("Operation DROP USER failed for 'root'@'%%' : cannot drop user root")
	}
	if u.accounts[user] == nil {
		return &UnknownUser{User: user}
	}
	delete(u.accounts, user)
	return nil
}

// Names lists the users by name.
func (u *Users) Names() []string {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return slices.Sorted(maps.Keys(u.accounts))
}

// PasswordHash is the form a password may be stored in, too: a star and SHA1 of its
// SHA1 in hexadecimal digits. It is empty for an empty password.
func PasswordHash(password string) string {
	if password == "" {
		return ""
	}
	once := sha1.Sum([]byte(password))
	return fmt.Sprintf("*%X", sha1.Sum(once[:]))
}

// IsPasswordHash tells a hash from a password.
func IsPasswordHash(s string) bool {
	digits, ok := strings.CutPrefix(s, "*")
	_, err := hex.DecodeString(digits)
	return ok && err == nil && len(digits) == 2*sha1.Size
}

// Check says whether the password is right.
func (u *Users) Check(user, password string) bool {
	want, ok := u.Password(user)
	if IsPasswordHash(want) {
		want, password = strings.ToUpper(want), PasswordHash(password)
	}
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(password)) == 1
}

// Password returns the user's password or its hash; ok is false for an unknown user.
func (u *Users) Password(user string) (password string, ok bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.accounts[user]
	if a == nil {
		return "", false
	}
	return a.password, true
}

// SetReadOnly takes all rights to change something from a user, whatever was
// granted, or gives them back.
func (u *Users) SetReadOnly(user string, readOnly bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if a := u.accounts[user]; a != nil {
		a.readOnly = readOnly
	}
}

// CanInsert says whether the user may load into a table, with the roles that are
// active at login: a request by HTTP has no session to activate others in.
func (u *Users) CanInsert(user, db, table string) bool {
	return u.Can(user, u.DefaultRoles(user), InsertPriv, Object{Kind: OnTable, DB: db, Name: table})
}

// savedUser and savedRole are the form accounts and roles are saved in.
type savedUser struct {
	Password string    `json:"password,omitempty"`
	ReadOnly bool      `json:"readOnly,omitempty"`
	Rights   savedRole `json:"rights"`
	Defaults []string  `json:"defaultRoles,omitempty"`

	Properties map[string]string `json:"properties,omitempty"`
}

type savedRole struct {
	Roles  []string `json:"roles,omitempty"`
	Grants []Grant  `json:"grants,omitempty"`
}

type savedUsers struct {
	Users map[string]savedUser `json:"users"`
	Roles map[string]savedRole `json:"roles,omitempty"`
}

// MarshalJSON writes all accounts, passwords included, and all roles.
func (u *Users) MarshalJSON() ([]byte, error) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	s := savedUsers{Users: map[string]savedUser{}, Roles: map[string]savedRole{}}
	for name, a := range u.accounts {
		s.Users[name] = savedUser{Password: a.password, ReadOnly: a.readOnly, Rights: savedRole{a.grantee.roles, a.grantee.list()}, Defaults: a.defaults, Properties: a.properties}
	}
	for name, r := range u.roles {
		s.Roles[name] = savedRole{r.roles, r.list()}
	}
	return json.Marshal(s)
}

// UnmarshalJSON replaces all accounts and roles by those MarshalJSON wrote. On an
// error nothing changes.
func (u *Users) UnmarshalJSON(text []byte) error {
	var s savedUsers
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	if _, ok := s.Users["root"]; !ok {
		return fmt.Errorf("users: root is missing")
	}
	accounts, roles := map[string]*account{}, map[string]*grantee{}
	for name, a := range s.Users {
		accounts[name] = &account{password: a.Password, readOnly: a.ReadOnly, grantee: a.Rights.grantee(), defaults: a.Defaults, properties: a.Properties}
	}
	for name, r := range s.Roles {
		g := r.grantee()
		roles[name] = &g
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.accounts, u.roles = accounts, roles
	return nil
}

func (s savedRole) grantee() grantee {
	g := grantee{roles: s.Roles}
	for _, given := range s.Grants {
		g.add(given)
	}
	return g
}
