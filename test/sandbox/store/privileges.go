package store

import (
	"cmp"
	"slices"
	"strings"
)

// Privilege is a right as GRANT names it: "SELECT", "CREATE TABLE".
type Privilege string

// The privileges that something here asks for. Others can be granted too.
const (
	SelectPriv         Privilege = "SELECT"
	InsertPriv         Privilege = "INSERT"
	UpdatePriv         Privilege = "UPDATE"
	DeletePriv         Privilege = "DELETE"
	AlterPriv          Privilege = "ALTER"
	DropPriv           Privilege = "DROP"
	CreateTablePriv    Privilege = "CREATE TABLE"
	CreateViewPriv     Privilege = "CREATE VIEW"
	CreateDatabasePriv Privilege = "CREATE DATABASE"
	OperatePriv        Privilege = "OPERATE"
	NodePriv           Privilege = "NODE"
	GrantPriv          Privilege = "GRANT"
)

// ObjectKind says what a privilege is on.
type ObjectKind string

// The kinds of objects.
const (
	OnSystem   ObjectKind = "SYSTEM"
	OnCatalog  ObjectKind = "CATALOG"
	OnDatabase ObjectKind = "DATABASE"
	OnTable    ObjectKind = "TABLE"
	OnView     ObjectKind = "VIEW"
	OnMaterial ObjectKind = "MATERIALIZED VIEW"
)

// privilegesOf lists what can be granted on each kind, in the order SHOW GRANTS
// writes them. ALL means all of a line.
var privilegesOf = map[ObjectKind][]Privilege{
	OnSystem: {GrantPriv, NodePriv, OperatePriv, "CREATE EXTERNAL CATALOG", "PLUGIN", "FILE", "BLACKLIST", "REPOSITORY", "CREATE RESOURCE",
		"CREATE RESOURCE GROUP", "CREATE GLOBAL FUNCTION", "CREATE STORAGE VOLUME", "SECURITY"},
	OnCatalog:  {"USAGE", CreateDatabasePriv, DropPriv, AlterPriv},
	OnDatabase: {CreateTablePriv, AlterPriv, DropPriv, "CREATE FUNCTION", CreateViewPriv, "CREATE MATERIALIZED VIEW", "CREATE PIPE"},
	OnTable:    {AlterPriv, DropPriv, SelectPriv, InsertPriv, UpdatePriv, DeletePriv, "EXPORT", "REFRESH"},
	OnView:     {AlterPriv, DropPriv, SelectPriv},
	OnMaterial: {AlterPriv, DropPriv, SelectPriv, "REFRESH"},
}

// Object is what a privilege is on: the system, a catalog (by Name), a database (by
// DB), or something in one (by DB and Name). All stands for every name.
type Object struct {
	Kind     ObjectKind
	DB, Name string
}

// All in an Object stands for every database, or everything in one.
const All = "*"

func (o Object) covers(other Object) bool {
	return o.Kind == other.Kind && (o.DB == All || o.DB == other.DB) && (o.Name == All || o.Name == other.Name)
}

// String writes the object as SHOW GRANTS does.
func (o Object) String() string {
	switch {
	case o.Kind == OnSystem:
		return "SYSTEM"
	case o.Kind == OnCatalog:
		return "CATALOG " + o.Name
	case o.Kind == OnDatabase && o.DB == All:
		return "ALL DATABASES"
	case o.Kind == OnDatabase:
		return "DATABASE " + o.DB
	case o.DB == All:
		return "ALL " + string(o.Kind) + "S IN ALL DATABASES"
	case o.Name == All:
		return "ALL " + string(o.Kind) + "S IN DATABASE " + o.DB
	}
	return string(o.Kind) + " " + o.DB + "." + o.Name
}

// Grant is what GRANT gives on one object.
type Grant struct {
	Object     Object
	Privileges []Privilege
	// WithGrant lets the receiver grant the same to others.
	WithGrant bool
}

// Expand checks the privileges of a grant against its kind of object, and spells
// out ALL. The error names what cannot be granted.
func (g Grant) Expand() (Grant, error) {
	known := privilegesOf[g.Object.Kind]
	out := g
	out.Privileges = nil
	for _, p := range g.Privileges {
		switch {
		case p == "ALL":
			out.Privileges = known
		case !slices.Contains(known, p):
			return g, inWords("Cannot grant %s to type %s", strings.ReplaceAll(string(p), " ", "_"), g.Object.Kind)
		default:
			out.Privileges = append(out.Privileges, p)
		}
	}
	return out, nil
}

// grantee is what privileges are given to: a user or a role.
type grantee struct {
	grants map[Object]map[Privilege]bool // the value says whether it may be passed on
	roles  []string
}

func (g *grantee) add(given Grant) {
	if g.grants == nil {
		g.grants = map[Object]map[Privilege]bool{}
	}
	on := g.grants[given.Object]
	if on == nil {
		on = map[Privilege]bool{}
		g.grants[given.Object] = on
	}
	for _, p := range given.Privileges {
		on[p] = on[p] || given.WithGrant
	}
}

func (g *grantee) remove(taken Grant) {
	on := g.grants[taken.Object]
	for _, p := range taken.Privileges {
		delete(on, p)
	}
	if len(on) == 0 {
		delete(g.grants, taken.Object)
	}
}

func (g *grantee) has(p Privilege, o Object, passOn bool) bool {
	for on, privileges := range g.grants {
		if may, ok := privileges[p]; ok && on.covers(o) && (may || !passOn) {
			return true
		}
	}
	return false
}

// list returns the grants in the order SHOW GRANTS has them: those that may be
// passed on apart from the others.
func (g *grantee) list() []Grant {
	var out []Grant
	for o, privileges := range g.grants {
		for _, passOn := range []bool{false, true} {
			var of []Privilege
			for _, p := range privilegesOf[o.Kind] {
				if may, ok := privileges[p]; ok && may == passOn {
					of = append(of, p)
				}
			}
			if of != nil {
				out = append(out, Grant{Object: o, Privileges: of, WithGrant: passOn})
			}
		}
	}
	order := []ObjectKind{OnSystem, OnCatalog, OnDatabase, OnTable, OnView, OnMaterial}
	slices.SortFunc(out, func(a, b Grant) int {
		return cmp.Or(cmp.Compare(slices.Index(order, a.Object.Kind), slices.Index(order, b.Object.Kind)),
			cmp.Compare(a.Object.DB, b.Object.DB), cmp.Compare(a.Object.Name, b.Object.Name), passOnLast(a, b))
	})
	return out
}

func passOnLast(a, b Grant) int {
	switch {
	case a.WithGrant == b.WithGrant:
		return 0
	case b.WithGrant:
		return -1
	}
	return 1
}

// Can says whether a user has a privilege on an object, by a grant of its own or by
// one of the given active roles. A role the user has lost counts no longer. Role
// public counts always.
func (u *Users) Can(user string, active []string, p Privilege, o Object) bool {
	return u.can(user, active, p, o, false)
}

// CanGrant says whether the user may give a privilege to others.
func (u *Users) CanGrant(user string, active []string, p Privilege, o Object) bool {
	return u.Can(user, active, GrantPriv, Object{Kind: OnSystem}) || u.can(user, active, p, o, true)
}

func (u *Users) can(user string, active []string, p Privilege, o Object, passOn bool) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.accounts[user]
	if a == nil || a.readOnly && p != SelectPriv && p != "USAGE" {
		return false
	}
	if a.has(p, o, passOn) || !passOn && builtin[RolePublic](p, o) {
		return true
	}
	seen := map[string]bool{}
	for _, r := range active {
		if slices.Contains(a.roles, r) && u.roleCan(r, p, o, passOn, seen) {
			return true
		}
	}
	return false
}

func (u *Users) roleCan(name string, p Privilege, o Object, passOn bool, seen map[string]bool) bool {
	if may, ok := builtin[name]; ok {
		return may(p, o)
	}
	r := u.roles[name]
	if r == nil || seen[name] {
		return false
	}
	seen[name] = true
	if r.has(p, o, passOn) {
		return true
	}
	return slices.ContainsFunc(r.roles, func(parent string) bool { return u.roleCan(parent, p, o, passOn, seen) })
}

// SeesDatabase says whether the user has any privilege on a database or on
// something in it, which is what it takes to see or use it.
func (u *Users) SeesDatabase(user string, active []string, db string) bool {
	return u.seesAny(user, active, func(o Object) bool {
		return o.Kind != OnSystem && o.Kind != OnCatalog && (o.DB == All || o.DB == db)
	}, Object{Kind: OnDatabase, DB: db})
}

// SeesTable says whether the user has any privilege on a table or view.
func (u *Users) SeesTable(user string, active []string, o Object) bool {
	return u.seesAny(user, active, func(g Object) bool { return g.covers(o) }, o)
}

func (u *Users) seesAny(user string, active []string, match func(Object) bool, o Object) bool {
	u.mu.RLock()
	defer u.mu.RUnlock()
	a := u.accounts[user]
	if a == nil {
		return false
	}
	seen := map[string]bool{}
	var any func(g *grantee, roles []string) bool
	any = func(g *grantee, roles []string) bool {
		for on := range g.grants {
			if match(on) {
				return true
			}
		}
		for _, r := range roles {
			if may, ok := builtin[r]; ok {
				if r != RolePublic && may(AlterPriv, o) {
					return true
				}
			} else if role := u.roles[r]; role != nil && !seen[r] {
				seen[r] = true
				if any(role, role.roles) {
					return true
				}
			}
		}
		return false
	}
	kept := slices.DeleteFunc(slices.Clone(active), func(r string) bool { return !slices.Contains(a.roles, r) })
	return any(&a.grantee, kept)
}

// receiver finds what a GRANT goes to. The caller holds the lock.
func (u *Users) receiver(name string, isRole bool) (*grantee, error) {
	if isRole {
		if _, ok := builtin[name]; ok {
			return nil, inWords("role %s is not mutable!", name)
		}
		if r := u.roles[name]; r != nil {
			return r, nil
		}
		return nil, &UnknownRole{Role: name}
	}
	if a := u.accounts[name]; a != nil {
		return &a.grantee, nil
	}
	return nil, &UnknownUser{User: name}
}

// Grant gives privileges to a user or a role. Errors: *UnknownUser, *UnknownRole, or
// what cannot be granted.
func (u *Users) Grant(g Grant, to string, isRole bool) error {
	return u.change(g, to, isRole, (*grantee).add)
}

// Revoke takes privileges back. What was not granted is no error. Errors as Grant.
func (u *Users) Revoke(g Grant, from string, isRole bool) error {
	return u.change(g, from, isRole, (*grantee).remove)
}

func (u *Users) change(g Grant, name string, isRole bool, apply func(*grantee, Grant)) error {
	g, err := g.Expand()
	if err != nil {
		return err
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	r, err := u.receiver(name, isRole)
	if err != nil {
		return err
	}
	apply(r, g)
	return nil
}
