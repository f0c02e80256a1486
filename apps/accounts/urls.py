from django.urls import path

from apps.accounts.views import account, people, sign_in, tenants, tokens

ONE_USER, ONE_TENANT = "settings/users/<uuid:pk>/", "settings/tenants/<uuid:pk>/"
app_name = "accounts"
urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path("choose-password/", sign_in.choose_password, name="choose_password"),
    path("account/", account.account, name="account"),
    path("account/password/", account.password, name="password"),
    path("account/theme/", account.theme, name="theme"),
    path("account/tokens/", account.token_issue, name="token_issue"),
    path("account/tokens/<uuid:pk>/revoke/", account.token_revoke, name="token_revoke"),
    path("settings/", people.settings, name="settings"),
    path("settings/users/", people.user_list, name="users"),
    path("settings/users/new/", people.user_add, name="user_add"),
    path(ONE_USER, people.user_detail, name="user"),
    path(f"{ONE_USER}role/", people.user_role, name="user_role"),
    path(f"{ONE_USER}password/", people.user_password, name="user_password"),
    path(f"{ONE_USER}password-link/", people.user_link, name="user_link"),
    path(f"{ONE_USER}deactivate/", people.user_deactivate, name="user_deactivate"),
    path(f"{ONE_USER}reactivate/", people.user_reactivate, name="user_reactivate"),
    path("settings/tenants/", tenants.tenant_list, name="tenants"),
    path("settings/tenants/new/", tenants.tenant_add, name="tenant_add"),
    path(ONE_TENANT, tenants.tenant_detail, name="tenant"),
    path(f"{ONE_TENANT}edit/", tenants.tenant_edit, name="tenant_edit"),
    path(f"{ONE_TENANT}delete/", tenants.tenant_delete, name="tenant_delete"),
    path("settings/tokens/", tokens.token_list, name="tokens"),
]
