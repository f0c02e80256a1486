from django.urls import path

from apps.accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.sign_in, name="sign_in"),
    path("sign-out/", views.sign_out, name="sign_out"),
    path("account/", views.account, name="account"),
    path("account/theme/", views.theme, name="theme"),
    path("account/tokens/", views.token_issue, name="token_issue"),
    path("account/tokens/<uuid:pk>/revoke/", views.token_revoke, name="token_revoke"),
]
