//! Routes of rights: custom roles, assignments, reservations, persons, and why somebody may do something.

use axum::routing::on;

use super::{Route, Verb, route};
use crate::{access, assignments, custom_roles, persons, reservations};

pub(super) const ROUTES: &[Route] = &[
    route!(Get "/access/why" access::why)
        .does("explain_access", "Whether somebody may do something, for what reasons, and what is missing.")
        .with_parameters(&["who", "action", "on"])
        .gives::<access::ExplanationBody>(),
    route!(Get "/roles" custom_roles::list)
        .does("list_custom_roles", "The server's custom roles, in the order of their names.")
        .lists::<custom_roles::CustomRoleBody>(),
    route!(Put "/roles/{role}" custom_roles::put)
        .does("put_custom_role", "Makes a role for all projects, or gives one other powers.")
        .takes::<custom_roles::PowersBody>()
        .gives::<custom_roles::CustomRoleBody>(),
    route!(Delete "/roles/{role}" custom_roles::delete).does("delete_custom_role", "Deletes a role that nobody has."),
    route!(Get "/projects/{project}/roles" custom_roles::list_of_project)
        .does("list_project_roles", "A project's own custom roles, in the order of their names.")
        .lists::<custom_roles::CustomRoleBody>(),
    route!(Put "/projects/{project}/roles/{role}" custom_roles::put_of_project)
        .does("put_project_role", "Makes a role of one project, or gives one other powers.")
        .takes::<custom_roles::PowersBody>()
        .gives::<custom_roles::CustomRoleBody>(),
    route!(Delete "/projects/{project}/roles/{role}" custom_roles::delete_of_project)
        .does("delete_project_role", "Deletes a project's role that nobody has."),
    route!(Get "/projects/{project}/assignments" assignments::list)
        .does(
            "list_assignments",
            "The roles that were given in a project within limits, in the order in which they were.",
        )
        .lists::<assignments::AssignmentBody>(),
    route!(Post "/projects/{project}/assignments" assignments::create)
        .does("create_assignment", "Gives a user, a group or a robot a role within limits.")
        .takes::<assignments::NewAssignmentBody>()
        .creates::<assignments::AssignmentBody>(),
    route!(Delete "/projects/{project}/assignments/{assignment}" assignments::delete)
        .does("delete_assignment", "Takes a role that was given."),
    route!(Get "/projects/{project}/reservations" reservations::list)
        .does("list_reservations", "The repositories that only members of a role pull, in the order of their patterns.")
        .lists::<reservations::ReservationBody>(),
    route!(Put "/projects/{project}/reservations" reservations::put)
        .does("put_reservation", "Lets only members of a role pull from some repositories.")
        .takes::<reservations::NewReservationBody>()
        .gives::<reservations::ReservationBody>(),
    route!(Delete "/projects/{project}/reservations" reservations::delete)
        .does("delete_reservation", "Ends a reservation.")
        .with_parameters(&["pattern"]),
    route!(Get "/persons" persons::list)
        .does("list_persons", "Persons with their identities, in the order of their names.")
        .lists::<persons::PersonBody>(),
    route!(Post "/persons" persons::create)
        .does("create_person", "Makes a person without identities.")
        .takes::<persons::NewPersonBody>()
        .creates::<persons::PersonBody>(),
    route!(Delete "/persons/{person}" persons::delete)
        .does("delete_person", "Deletes a person. Their identities stay and belong to nobody."),
    route!(Put "/persons/{person}/accounts/{account}" persons::link)
        .does("link_account", "Says that an identity is a person's; it is then no other's."),
    route!(Delete "/persons/{person}/accounts/{account}" persons::unlink)
        .does("unlink_account", "Says that an identity is a person's no more."),
];
