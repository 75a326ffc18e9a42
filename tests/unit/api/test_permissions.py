from keyward_api.permissions import FORMS, IAM_ACTIONS, KEYSPACE_PERMISSIONS, Permission, StatementForm, expand


def test_every_form_and_every_permission_is_in_the_table() -> None:
    assert set(FORMS) == set(StatementForm)
    assert set(IAM_ACTIONS) == set(Permission)


def test_a_conditional_write_reads_too() -> None:
    for form in (StatementForm.CONDITIONAL_INSERT, StatementForm.CONDITIONAL_UPDATE, StatementForm.CONDITIONAL_DELETE):
        assert set(FORMS[form].permissions) == {Permission.SELECT, Permission.MODIFY}


def test_a_read_needs_no_right_to_write() -> None:
    assert FORMS[StatementForm.SELECT].permissions == (Permission.SELECT,)
    assert not FORMS[StatementForm.SELECT].writes


def test_a_star_means_every_permission() -> None:
    assert expand(("*",)) == tuple(Permission)
    assert expand(("Modify", "Select")) == (Permission.SELECT, Permission.MODIFY)


def test_each_action_has_its_multi_region_twin_but_the_accounts_own() -> None:
    for permission, (action, *others) in IAM_ACTIONS.items():
        assert action == f"cassandra:{permission}"
        assert any("MultiRegion" in other for other in others) is (permission is not Permission.UPDATE_PARTITIONER)


def test_what_creates_may_tag_and_what_only_reads_may_not() -> None:
    for permission in (Permission.CREATE, Permission.ALTER, Permission.RESTORE):
        assert "cassandra:TagResource" in IAM_ACTIONS[permission]
    for permission in (Permission.SELECT, Permission.MODIFY, Permission.DROP):
        assert not any("Tag" in action for action in IAM_ACTIONS[permission])


def test_only_data_statements_may_be_prepared() -> None:
    data = {"SELECT", "INSERT", "UPDATE", "DELETE", "INSERT IF", "UPDATE IF", "DELETE IF", "BATCH"}
    assert {form.value for form, rule in FORMS.items() if rule.preparable} == data


def test_keyspaces_as_a_whole_need_what_keyspaces_can_need() -> None:
    for rule in FORMS.values():
        assert not rule.keyspace or set(rule.permissions) <= KEYSPACE_PERMISSIONS
