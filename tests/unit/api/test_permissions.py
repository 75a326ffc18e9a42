from keyward_api.permissions import FORMS, IAM_ACTIONS, Permission, StatementForm, expand


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


def test_each_action_has_its_multi_region_twin() -> None:
    for actions in IAM_ACTIONS.values():
        assert actions[1] == actions[0] + "MultiRegionResource"
