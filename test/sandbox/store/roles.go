package store

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// The built-in roles.
const (
	RoleRoot    = "root"
	RoleDB      = "db_admin"
	RoleCluster = "cluster_admin"
	RoleUser    = "user_admin"
	RolePublic  = "public"
)

// builtin says what the built-in roles may do.
var builtin = map[string]func(Privilege, Object) bool{
	RoleRoot: func(Privilege, Object) bool { return true },
	RoleDB: func(p Privilege, o Object) bool {
		return o.Kind != OnSystem || p != NodePriv && p != GrantPriv && p != "SECURITY"
	},
	RoleCluster: func(p Privilege, o Object) bool { return o.Kind == OnSystem && (p == NodePriv || p == OperatePriv) },
	RoleUser:    func(p Privilege, o Object) bool { return o.Kind == OnSystem && p == GrantPriv },
	RolePublic: func(p Privilege, o Object) bool {
		return p == "USAGE" && o.Kind == OnCatalog || p == SelectPriv && strings.EqualFold(o.DB, "information_schema")
	},
}

// CreateRole adds an empty role; the error says that it exists.
func (u *Users) CreateRole(name string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.known([]string{name}) == nil {
		return &RoleExists{Role: name}
	}
	u.roles[name] = &grantee{}
	return nil
}

// RoleExists reports a role that is there already.
type RoleExists struct{ Role string }

func (e *RoleExists) Error() string {
	return fmt.Sprintf("Operation CREATE ROLE failed for %s : role already exists", e.Role)
}

// DropRole removes a role from everyone who has it. The error is an *UnknownRole or
// says that the role is built in.
func (u *Users) DropRole(name string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if _, err := u.receiver(name, true); err != nil {
		return err
	}
	delete(u.roles, name)
	is := func(r string) bool { return r == name }
	for _, a := range u.accounts {
		a.roles, a.defaults = slices.DeleteFunc(a.roles, is), slices.DeleteFunc(a.defaults, is)
	}
	for _, r := range u.roles {
		r.roles = slices.DeleteFunc(r.roles, is)
	}
	return nil
}

// known checks that all roles exist. The caller holds the lock.
func (u *Users) known(roles []string) error {
	for _, r := range roles {
		if _, ok := builtin[r]; !ok && u.roles[r] == nil {
			return &UnknownRole{Role: r}
		}
	}
	return nil
}

// GrantRoles gives roles to a user or to a role. The user has to activate them, or
// to have them among its default roles. Errors: *UnknownUser, *UnknownRole.
func (u *Users) GrantRoles(roles []string, to string, isRole bool) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, err := u.receiver(to, isRole)
	if err == nil {
		err = u.known(roles)
	}
	if err != nil {
		return err
	}
	for _, role := range roles {
		if !slices.Contains(r.roles, role) {
			r.roles = append(r.roles, role)
		}
	}
	return nil
}

// RevokeRoles takes roles back. Errors as GrantRoles.
func (u *Users) RevokeRoles(roles []string, from string, isRole bool) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	r, err := u.receiver(from, isRole)
	if err == nil {
		err = u.known(roles)
	}
	if err != nil {
		return err
	}
	in := func(role string) bool { return slices.Contains(roles, role) }
	r.roles = slices.DeleteFunc(r.roles, in)
	if a := u.accounts[from]; a != nil && !isRole {
		a.defaults = slices.DeleteFunc(a.defaults, in)
	}
	return nil
}

// Roles lists all roles by name, the built-in ones among them.
func (u *Users) Roles() []string {
	u.mu.RLock()
	defer u.mu.RUnlock()
	return slices.Sorted(slices.Values(slices.AppendSeq(slices.Collect(maps.Keys(builtin)), maps.Keys(u.roles))))
}

// IsBuiltinRole says whether the server comes with a role of that name.
func IsBuiltinRole(name string) bool { return builtin[name] != nil }

// Granted returns what a user or role was given. Errors: *UnknownUser, *UnknownRole.
func (u *Users) Granted(name string, isRole bool) (roles []string, grants []Grant, err error) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if _, ok := builtin[name]; ok && isRole {
		return nil, nil, nil
	}
	r, err := u.receiver(name, isRole)
	if err != nil {
		return nil, nil, err
	}
	return slices.Clone(r.roles), r.list(), nil
}

// DefaultRoles returns the roles that are active at login.
func (u *Users) DefaultRoles(user string) []string {
	u.mu.RLock()
	defer u.mu.RUnlock()
	if a := u.accounts[user]; a != nil {
		return slices.Clone(a.defaults)
	}
	return nil
}

// SetDefaultRoles chooses the roles active at login among those granted. Errors:
// *UnknownUser, or the role the user does not have.
func (u *Users) SetDefaultRoles(user string, roles []string) error {
	u.mu.Lock()
	defer u.mu.Unlock()
	a := u.accounts[user]
	if a == nil {
		return &UnknownUser{User: user}
	}
	for _, r := range roles {
		if !slices.Contains(a.roles, r) {
			return inWords("Role %s is not granted to %s", r, Identity(user))
		}
	}
	a.defaults = slices.Clone(roles)
	return nil
}
